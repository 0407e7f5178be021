import * as v from 'valibot';
import { isPromiseLike } from '../../cluster/messaging/handler-queue.js';
import { checkOptions, show } from '../../cluster/option-errors.js';
import { isFunction } from '../../cluster/validate-options.js';
import { InvalidOptionError } from '../../errors.js';
import { seed } from '../../simulation/check-options.js';
import { duration, latency, positive } from '../../simulation/scenarios/fault-json.js';
import type { NestClusterOptions, NestNodeOptions } from './nest-cluster-options.js';
import type { TestingModuleBuilderLike } from './test-application.js';

/** Beyond it a test is no unit test any more; `simulate()` goes further. */
const MAX_NODES = 100;

const names = v.pipe(
  v.array(v.pipe(v.string('must be a name'), v.nonEmpty('must not be empty'), v.maxLength(255))),
  v.minLength(1, `must be 1 to ${MAX_NODES} names`),
  v.maxLength(MAX_NODES, `must be 1 to ${MAX_NODES} names`),
  v.check(
    (given) => new Set(given).size === given.length,
    ({ input }) => `must be different names, and "${String(twice(input))}" is there twice`,
  ),
);

const clusterSchema = v.strictObject(
  {
    nodes: v.union(
      [positive(MAX_NODES), names],
      `must be an integer from 1 to ${MAX_NODES}, or an array of as many names`,
    ),
    module: v.custom<NestClusterOptions['module']>(
      (value) => typeof value === 'function' && !/^class\b/.test(Function.prototype.toString.call(value)),
      'must be a function, for example () => Test.createTestingModule({ imports: [AppModule] })',
    ),
    seed: v.optional(seed),
    as: v.optional(v.pipe(v.string('must be a text'), v.nonEmpty('must not be empty'))),
    options: v.optional(isFunction),
    latency: v.optional(latency),
    start: v.optional(v.picklist(['together', 'one-by-one'], 'must be "together" or "one-by-one"')),
    patienceMs: v.optional(v.pipe(duration, v.gtValue(0, 'must be more than 0'))),
    onLog: v.optional(isFunction),
  } satisfies Record<keyof NestClusterOptions, v.GenericSchema>,
  'must be an object with "nodes" and "module"',
);

/** What the values may be, the node checks itself. */
const nodeSchema = v.strictObject(
  {
    metadata: v.unknown(),
    tracing: v.unknown(),
    preset: v.unknown(),
    swim: v.unknown(),
    limits: v.unknown(),
    serializer: v.unknown(),
    requestTimeoutMs: v.unknown(),
    drainTimeoutMs: v.unknown(),
  } satisfies Record<keyof NestNodeOptions, v.GenericSchema>,
  'must be an object',
);

/** @throws InvalidOptionError for the first mistake */
export function checkClusterOptions(options: unknown): void {
  checkOptions(clusterSchema, options);
}

/** @throws InvalidOptionError when what `options` gave for a node is no options, or others than a test may set */
export function checkNodeOptions(node: string, given: unknown): void {
  if (isPromiseLike(given)) throw wrongAnswer('options', node, given, 'an object at once');
  checkOptions(v.strictObject({ options: v.partial(nodeSchema) }), { options: given });
}

/** @throws InvalidOptionError when what `module` gave for a node is no builder */
export function checkBuilder(node: string, given: unknown): asserts given is TestingModuleBuilderLike {
  const { overrideProvider, compile } = (given ?? {}) as Partial<Record<string, unknown>>;
  if (typeof overrideProvider === 'function' && typeof compile === 'function') return;
  throw wrongAnswer('module', node, given, 'what Test.createTestingModule(…) gives, before its compile()');
}

/** Two nodes of one builder would be one application. */
export function sameBuilder(node: string): InvalidOptionError {
  return new InvalidOptionError(
    'module',
    `gave the same builder again for node ${node}, but must make one for each node: call Test.createTestingModule(…) in it`,
  );
}

function wrongAnswer(option: string, node: string, given: unknown, allowed: string): InvalidOptionError {
  return new InvalidOptionError(option, `gave ${show(given)} for node ${node}, but must give ${allowed}`);
}

function twice(names: readonly unknown[]): unknown {
  return names.find((name, index) => names.indexOf(name) < index);
}
