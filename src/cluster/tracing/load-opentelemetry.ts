import type { ClusterLogger } from '../../logger.js';
import type { ThrottledLog } from '../../throttled-log.js';
import type { ResolvedOptions } from '../options.js';
import type { MessageTracer, TracedNode } from './message-tracer.js';
import { OpenTelemetryTracer, type OpenTelemetryApi } from './opentelemetry-tracer.js';
import { Tracing } from './tracing.js';

/** OpenTelemetry's API, or why it is not there. */
export type Imported = { readonly api: OpenTelemetryApi } | { readonly error: unknown };

const PACKAGE = '@opentelemetry/api';

/** What Node says of this very package; of a file that is missing inside it, it says something else. */
const NOT_FOUND = new RegExp(`^Cannot find (package|module) '${PACKAGE}'`);

/**
 * What tells that `import()` does nothing where this code runs: Jest, which runs a project in CommonJS in a context
 * without it. Nothing is wrong with the package then.
 */
const IMPOSSIBLE = ['ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING', 'ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING_FLAG'];
const IMPOSSIBLE_IN_JEST = /supports ES Modules in the VM API/;

/** The tracing of a node, as its options want it. @param log for what goes wrong with single messages */
export function tracingOf(
  { tracing, logger }: Pick<ResolvedOptions, 'tracing' | 'logger'>,
  node: TracedNode,
  log: ThrottledLog,
): Tracing {
  return new Tracing(tracing ? () => loadOpenTelemetry(node, logger, log) : undefined);
}

/**
 * A tracer for OpenTelemetry, where its API is installed. Never rejects: without it, or with one that cannot be loaded, a
 * node works as ever.
 *
 * @param load for tests
 */
export async function loadOpenTelemetry(
  node: TracedNode,
  logger: Pick<ClusterLogger, 'debug' | 'warn'>,
  log: Pick<ThrottledLog, 'warn'>,
  load: () => Promise<Imported> = importApi,
): Promise<MessageTracer | undefined> {
  const imported = await load();
  if ('api' in imported) return new OpenTelemetryTracer(imported.api, node, log);
  const { error } = imported;
  if (isAbsent(error)) logger.debug(`No tracing: ${PACKAGE} is not installed`);
  else if (isImpossible(error)) logger.debug(`No tracing: import() is not possible here (${String(error)})`);
  else logger.warn(`No tracing: ${PACKAGE} is installed, and cannot be loaded: ${String(error)}`);
  return undefined;
}

/** Right within `try`, so that bundlers accept that the package may be missing. */
async function importApi(): Promise<Imported> {
  try {
    return { api: await import('@opentelemetry/api') };
  } catch (error) {
    return { error };
  }
}

function isAbsent(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return false;
  return NOT_FOUND.test((error as Error).message);
}

function isImpossible(error: unknown): boolean {
  const code = codeOf(error);
  if (typeof code === 'string' && IMPOSSIBLE.includes(code)) return true;
  return IMPOSSIBLE_IN_JEST.test(String((error as Partial<Error> | undefined)?.message));
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null | undefined)?.code;
}
