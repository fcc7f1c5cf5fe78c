// Gives every value a small number, and values of the same content the same one: what is compared and remembered is the number.
export class Interned<Value> {
  readonly #numbers = new Map<string, number>();
  readonly #values: Value[] = [];
  readonly #contentOf: (value: Value) => string;

  /** Values of the same content are of the same text. */
  constructor(contentOf: (value: Value) => string = textOf) {
    this.#contentOf = contentOf;
  }

  numberOf(value: Value): number {
    const content = this.#contentOf(value);
    const known = this.#numbers.get(content);
    if (known !== undefined) return known;
    const number = this.#values.length;
    this.#numbers.set(content, number);
    this.#values.push(value);
    return number;
  }

  at(number: number): Value {
    const value = this.#values[number];
    if (value === undefined) throw new Error(`nothing has the number ${number}`);
    return value;
  }

  get size(): number {
    return this.#values.length;
  }
}

/** Fields in another sequence make another text: then one thing gets two numbers, which costs time and hides nothing. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? `${part}n` : part));
}
