/** The id of an arm under a seed; seed 0 goes without. */
export const armId = (name: string, seed: number): string => (seed === 0 ? name : `${name}-seed${seed}`);

/** The name of an arm, without the seed that its id ends in. */
export const armName = (id: string): string => id.replace(/-seed\d+$/, '');
