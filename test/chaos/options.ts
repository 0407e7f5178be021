import { parseArgs, type ParseArgsConfig } from 'node:util';

/** Reads options of a command; what is wrong with them is said with the command's usage, and ends it with 2. */
export class CommandOptions {
  readonly #values: Readonly<Record<string, string | undefined>>;

  /** @param defaults every option, with its default */
  constructor(
    readonly command: string,
    readonly usage: string,
    defaults: Readonly<Record<string, string | undefined>>,
  ) {
    const names = Object.entries(defaults);
    const options: ParseArgsConfig['options'] = Object.fromEntries(
      names.map(([name]) => [name, { type: 'string' as const }]),
    );
    try {
      this.#values = { ...defaults, ...(parseArgs({ options }).values as Record<string, string>) };
    } catch (error) {
      this.refuse((error as Error).message);
    }
  }

  text(name: string): string | undefined {
    return this.#values[name];
  }

  /** Several, separated by commas; each one of those that are known. */
  words(name: string, known: readonly string[]): string[] {
    const words = this.#values[name]?.split(',') ?? [...known];
    for (const word of words)
      if (!known.includes(word)) this.refuse(`--${name}: ${word} is none of ${known.join(', ')}`);
    return words;
  }

  number(name: string, min: number, max: number): number {
    return this.#number(name, this.#values[name]!, min, max);
  }

  integer(name: string, min: number, max: number): number {
    const [value] = this.integers(name, min, max);
    return value!;
  }

  integers(name: string, min: number, max: number): number[] {
    return this.#values[name]!.split(',').map((text) => {
      const value = this.#number(name, text, min, max);
      return Number.isInteger(value) ? value : this.refuse(`--${name} is ${text}, but must be an integer`);
    });
  }

  refuse(why: string): never {
    process.stderr.write(`${this.command}: ${why}\n\n${this.usage}`);
    process.exit(2);
  }

  #number(name: string, text: string, min: number, max: number): number {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (value >= min && value <= max) return value;
    return this.refuse(`--${name} is ${text}, but must be from ${min} to ${max}`);
  }
}
