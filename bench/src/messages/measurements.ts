import { ratios, sampleOf, type Sample } from '../statistics.js';
import type { Measured } from './pair.js';

/** All that was measured, by cell, contender and round. */
export class Measurements<CellName extends string, ContenderName extends string> {
  readonly #rounds = new Map<string, Measured[]>();

  add(cell: CellName, contender: ContenderName, measured: Measured): void {
    const key = keyOf(cell, contender);
    const rounds = this.#rounds.get(key);
    if (rounds === undefined) this.#rounds.set(key, [measured]);
    else rounds.push(measured);
  }

  has(cell: CellName, contender: ContenderName): boolean {
    return this.#rounds.has(keyOf(cell, contender));
  }

  of(cell: CellName, contender: ContenderName, figure: keyof Measured): Sample {
    return sampleOf(this.#values(cell, contender, figure));
  }

  /** One figure over another, round by round. */
  ratio(
    figure: keyof Measured,
    [cell, contender]: readonly [CellName, ContenderName],
    [otherCell, other]: readonly [CellName, ContenderName],
  ): Sample {
    return ratios(this.#values(cell, contender, figure), this.#values(otherCell, other, figure));
  }

  #values(cell: CellName, contender: ContenderName, figure: keyof Measured): number[] {
    return this.#rounds.get(keyOf(cell, contender))!.map((measured) => measured[figure]);
  }
}

function keyOf(cell: string, contender: string): string {
  return `${cell} ${contender}`;
}
