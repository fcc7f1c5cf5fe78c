// Chance that repeats: every choice of a run comes from streams of numbers that grow out of its seed.
//
// Each concern has a stream of its own, so that taking one fault or one order away leaves the choices of all others as
// they were. The generator is sfc32, a small one that passes the usual batteries of tests.

export class Die {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number, stream: string) {
    // FNV-1a over the name, three times from different beginnings.
    let [a, b, c] = [0x811c9dc5 ^ seed, 0x9e3779b9 ^ seed, 0x85ebca6b ^ Math.floor(seed / 2 ** 32)];
    for (let at = 0; at < stream.length; at += 1) {
      const code = stream.charCodeAt(at);
      a = Math.imul(a ^ code, 0x01000193);
      b = Math.imul(b ^ (code + at), 0x85ebca77);
      c = Math.imul(c ^ (code << 3), 0xc2b2ae3d);
    }
    this.#a = a | 0;
    this.#b = b | 0;
    this.#c = c | 0;
    for (let round = 0; round < 12; round += 1) this.next();
  }

  /** From 0 up to, but not including, 1. */
  next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 up to, but not including, `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  /** A whole number; both ends are possible. */
  between(first: number, last: number): number {
    return first + this.below(last - first + 1);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }
}
