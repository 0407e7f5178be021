/**
 * ClusterPack's health for `@nestjs/terminus`, which has to be installed.
 *
 * @packageDocumentation
 */
export {
  ClusterHealthIndicator,
  type ClusterHealthDetails,
  type ClusterHealthOptions,
} from './nestjs/terminus/cluster-health.indicator.js';
