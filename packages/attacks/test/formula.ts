/** Value of a formula of numbers and names with + - * / ( ), as the catalogue writes costs. */
export function valueOf(formula: string, names: Readonly<Record<string, unknown>>): number {
  const tokens = formula.match(/[\d.]+|\w+|[-+*/()]/g) ?? [];
  let place = 0;
  const next = (...wanted: string[]): string | undefined => (wanted.includes(tokens[place]!) ? tokens[place++] : undefined);
  const atom = (): number => {
    if (next('(')) {
      const value = sum();
      if (!next(')')) throw new Error(`no closing bracket in ${formula}`);
      return value;
    }
    const token = tokens[place++]!;
    const value = Number(/^[\d.]/.test(token) ? token : names[token]);
    if (Number.isNaN(value)) throw new Error(`${token} of "${formula}" is no number in ${JSON.stringify(names)}`);
    return value;
  };
  const product = (): number => {
    let value = atom();
    for (let sign = next('*', '/'); sign; sign = next('*', '/')) value = sign === '*' ? value * atom() : value / atom();
    return value;
  };
  const sum = (): number => {
    let value = product();
    for (let sign = next('+', '-'); sign; sign = next('+', '-')) value = sign === '+' ? value + product() : value - product();
    return value;
  };
  const value = sum();
  if (place !== tokens.length) throw new Error(`what is ${tokens[place]} in "${formula}"?`);
  return value;
}
