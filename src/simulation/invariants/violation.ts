import { SimulationError } from '../simulation-error.js';

/**
 * Stops the run.
 *
 * @param rule its number in `literature.md`
 * @throws SimulationError always
 *
 * @publicApi
 */
export function violated(rule: number, node: { readonly name: string }, what: string): never {
  throw new SimulationError(`Invariant ${rule} is broken: ${node.name} ${what}`);
}
