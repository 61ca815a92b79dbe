const KEPT = 256;

/** A function that remembers its last results, by a key; for tables that depend on shapes alone. */
export function remembered<A extends readonly unknown[], R>(make: (...args: A) => R, keyOf = (...args: A): string => JSON.stringify(args)): (...args: A) => R {
  const results = new Map<string, R>();
  return (...args) => {
    const key = keyOf(...args);
    const known = results.get(key);
    if (known !== undefined) return known;
    if (results.size >= KEPT) results.delete(results.keys().next().value!);
    const made = make(...args);
    results.set(key, made);
    return made;
  };
}
