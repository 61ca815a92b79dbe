/** Two 32-bit lanes: the key of a random stream. */
export type Key = readonly [number, number];

/** The 32-bit finalizer of MurmurHash3: a bijection in which every input bit reaches every output bit. */
function mix32(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** The `index`-th 32-bit word under a key: a counter-based generator, so any word can be had without those before it. */
export function word(key: Key, index: number): number {
  return mix32(mix32(Math.imul(index, 0x9e3779b9) ^ key[0]) + key[1]) >>> 0;
}

/** A new key from a key and a part of a name; the order of parts matters. */
export function deriveKey(key: Key, part: string | number): Key {
  const words = typeof part === 'string' ? stringWords(part) : numberWords(part);
  let [a, b] = key;
  for (const w of words) {
    a = mix32(a ^ mix32(w + 0x9e3779b9));
    b = mix32(Math.imul(b, 0x01000193) + w + a);
  }
  return [a, b];
}

// The leading words keep the string '1' and the number 1 apart.
function stringWords(text: string): number[] {
  return [0x73747200 ^ text.length, ...Array.from({ length: text.length }, (_, i) => text.charCodeAt(i))];
}

function numberWords(value: number): number[] {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return [0x6e756d00, view.getUint32(0), view.getUint32(4)];
}
