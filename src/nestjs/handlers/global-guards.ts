import type { ApplicationConfig } from '@nestjs/core';
import { InvalidHandlerError } from '../../errors.js';
import type { ClusterLogger } from '../../logger.js';

/**
 * A guard written for HTTP takes what a peer sent for its request: forged `headers` in a payload would pass it.
 * Where it refuses, the handler does not run: member handlers fall silent too.
 *
 * @param choice `'run'`: the guards are written for it, say nothing; `'refuse'`: stop; unset: warn and run them
 * @throws InvalidHandlerError when there are global guards and they are refused
 */
export function checkGlobalGuards(
  config: ApplicationConfig,
  choice: 'run' | 'refuse' | undefined,
  logger: ClusterLogger,
): void {
  if (choice === 'run') return;
  const names = [
    ...config.getGlobalGuards().map((guard) => guard.constructor.name),
    ...config.getGlobalRequestGuards().map((wrapper) => wrapper.metatype?.name ?? String(wrapper.name)),
  ];
  if (names.length === 0) return;
  const who = `${names.length === 1 ? 'The global guard' : 'The global guards'} ${names.join(', ')}`;
  if (choice === 'refuse') {
    throw new InvalidHandlerError(
      `${who} would run for cluster messages and member handlers too, and globalGuards is 'refuse'`,
    );
  }
  logger.warn(
    `${who} will run for cluster messages and member handlers (@OnMemberJoined and the like) too, where the request is what a peer sent, and a handler that is refused does not run: begin each with isClusterContext(context), then set globalGuards: 'run'`,
  );
}
