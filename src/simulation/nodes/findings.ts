import type { Violation } from '../scenarios/scenario-result.js';

/**
 * Broken rules, as they are found. Checks of whole nodes run inside callbacks of the nodes, where a thrown error would
 * be taken for the application's, so they note down what they find.
 */
export class Findings {
  readonly all: Violation[] = [];

  constructor(private readonly nowMs: () => number) {}

  get first(): Violation | undefined {
    return this.all[0];
  }

  /** @param invariant a word that stays the same, so that a schedule can be shrunk towards it */
  add(invariant: string, message: string): void {
    this.all.push({ invariant, message, atMs: this.nowMs() });
  }
}
