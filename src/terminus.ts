/**
 * ClusterPack's health for `@nestjs/terminus`, which has to be installed.
 *
 * @packageDocumentation
 */
export {};
