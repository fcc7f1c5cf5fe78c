// Every state that was seen, once each: rows of numbers in one long array, found again by their hash.
export class States {
  readonly width: number;
  #numbers: Int32Array;
  /** Where a state stands, plus one; 0 is an empty place. */
  #places: Int32Array;
  count = 0;

  constructor(width: number) {
    this.width = width;
    this.#numbers = new Int32Array(width * 1024);
    this.#places = new Int32Array(4096);
  }

  /** The state's index: that of an equal one, or `count` as it was if it is new. */
  add(state: Int32Array): number {
    const mask = this.#places.length - 1;
    for (let place = hashOf(state) & mask; ; place = (place + 1) & mask) {
      const found = this.#places[place] as number;
      if (found === 0) return this.#append(state, place);
      if (this.#equals(found - 1, state)) return found - 1;
    }
  }

  read(index: number, into: Int32Array): void {
    into.set(this.#numbers.subarray(index * this.width, (index + 1) * this.width));
  }

  #append(state: Int32Array, place: number): number {
    const index = this.count;
    if ((index + 1) * this.width > this.#numbers.length) {
      const longer = new Int32Array(this.#numbers.length * 2);
      longer.set(this.#numbers);
      this.#numbers = longer;
    }
    this.#numbers.set(state, index * this.width);
    this.#places[place] = index + 1;
    this.count += 1;
    if (this.count * 2 > this.#places.length) this.#rehash();
    return index;
  }

  #equals(index: number, state: Int32Array): boolean {
    const start = index * this.width;
    for (let at = 0; at < this.width; at += 1) {
      if (this.#numbers[start + at] !== state[at]) return false;
    }
    return true;
  }

  #rehash(): void {
    this.#places = new Int32Array(this.#places.length * 4);
    const mask = this.#places.length - 1;
    const state = new Int32Array(this.width);
    for (let index = 0; index < this.count; index += 1) {
      this.read(index, state);
      let place = hashOf(state) & mask;
      while (this.#places[place] !== 0) place = (place + 1) & mask;
      this.#places[place] = index + 1;
    }
  }
}

/** Looked up once: where tests run, a look at the global object costs more than the multiplication. */
const { imul } = Math;

/** FNV-1a over whole numbers, with the high bits mixed into the low ones, which choose the place. */
function hashOf(state: Int32Array): number {
  let hash = 0x811c9dc5;
  for (const number of state) {
    hash = imul(hash ^ number, 0x01000193);
    hash ^= hash >>> 15;
  }
  hash = imul(hash, 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}
