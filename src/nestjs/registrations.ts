import type { ModulesContainer } from '@nestjs/core';
import { DuplicateClusterError } from '../errors.js';
import { getClusterOptionsToken } from './tokens.js';

/** How a registration is called in logs. */
export function registrationName(as: string | undefined): string {
  return as === undefined ? 'Cluster' : `Cluster:${as}`;
}

/** The `as` of every registration in the application, with repeats. */
export function registrationsIn(modules: ModulesContainer): readonly (string | undefined)[] {
  const unnamed = getClusterOptionsToken();
  const named = `${unnamed}:`;
  const found: (string | undefined)[] = [];
  for (const module of modules.values()) {
    for (const token of module.providers.keys()) {
      if (token === unnamed) found.push(undefined);
      else if (typeof token === 'string' && token.startsWith(named)) found.push(token.slice(named.length));
    }
  }
  return found;
}

/**
 * Two nodes would start in silence, and only one of them be injected.
 *
 * @throws DuplicateClusterError when `as` is registered more than once
 */
export function refuseDuplicate(as: string | undefined, modules: ModulesContainer): void {
  const times = registrationsIn(modules).filter((name) => name === as).length;
  if (times <= 1) return;
  const which = as === undefined ? 'without a name' : `with as: '${as}'`;
  throw new DuplicateClusterError(
    `ClusterModule is registered ${times} times ${which}: register it once, in the root module (it is global), or give each cluster its own "as"`,
  );
}
