/**
 * ClusterPack as a transport of `@nestjs/microservices`, which has to be installed.
 *
 * @packageDocumentation
 */
export {};
