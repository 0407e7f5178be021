import type { InjectionToken } from '@nestjs/common';
import { MembershipService } from './membership.service.js';

/**
 * The token of a registration's {@link MembershipService}: the class itself for the registration without a name.
 *
 * @param as the `as` of `forRoot` or `forRootAsync`
 * @publicApi
 */
export function getMembershipToken(as?: string): InjectionToken<MembershipService> {
  if (as === undefined) return MembershipService;
  // Nest's error for a missing provider shows the token and nothing else, so the token says what to do.
  return `MembershipService of the cluster '${as}' (register it with ClusterModule.forRoot({ as: '${as}' }))`;
}

/**
 * The token of a registration's options, for `overrideProvider(getClusterOptionsToken()).useValue({…})` in tests.
 * It works for `forRoot` and for `forRootAsync`.
 *
 * @param as the `as` of `forRoot` or `forRootAsync`
 * @publicApi
 */
export function getClusterOptionsToken(as?: string): string {
  return as === undefined ? OPTIONS : `${OPTIONS}:${as}`;
}

const OPTIONS = 'CLUSTERPACK_OPTIONS';
