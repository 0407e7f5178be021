import { nodeNames as letters } from '../../simulation/scenarios/scenario.js';
import { SimulationError } from '../../simulation/simulation-error.js';

/** Beyond it a test is no unit test any more; `simulate()` goes further. */
const MAX_NODES = 100;

/** The names of so many nodes (`a`, `b` … `z`, `aa` …), or those that were given. @throws SimulationError for none */
export function namesOf(nodes: number | readonly string[]): readonly string[] {
  if (typeof nodes !== 'number') return given(nodes);
  if (Number.isInteger(nodes) && nodes >= 1 && nodes <= MAX_NODES) return letters(nodes);
  throw new SimulationError(`nodes is ${nodes}, but must be an integer from 1 to ${MAX_NODES}`);
}

function given(names: readonly string[]): readonly string[] {
  const isWrong = names.length === 0 || names.length > MAX_NODES || names.some((name) => name === '');
  if (isWrong || new Set(names).size < names.length)
    throw new SimulationError(`nodes must be 1 to ${MAX_NODES} different names that are not empty`);
  return [...names];
}
