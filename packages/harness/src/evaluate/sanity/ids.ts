/** Ids of all checks, `S01` to `S30`: each stands in every record once. */
export const checkIds: readonly string[] = Array.from({ length: 30 }, (_, i) => `S${String(i + 1).padStart(2, '0')}`);
