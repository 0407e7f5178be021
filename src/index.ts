/**
 * ClusterPack for Nest: everything that an application imports.
 *
 * @packageDocumentation
 */
export { formatAddress, parseAddress, sameAddress, type Address } from './address.js';
export type { Clock, Timer } from './clock.js';
export { ClusterMessage, type ClusterMessageFields } from './cluster/messaging/cluster-message.js';
export type { ClusterContracts, DataOf, Pattern, ReplyOf } from './cluster/messaging/contracts.js';
export type {
  HandlerOptions,
  HandlerOrder,
  MessageHandler,
  RequestHandler,
} from './cluster/messaging/handlers.js';
export type {
  RequestAllOptions,
  RequestAnyOptions,
  RequestOptions,
  RequestOutcome,
} from './cluster/messaging/request-options.js';
export { messagePack, type ValueLimits } from './cluster/messaging/msgpack-serializer.js';
export type { Serializer } from './cluster/messaging/serializer.js';
export type { EventListener, EventListenerOptions } from './cluster/event-hub.js';
export type { NodeStatus, ReadyOptions } from './cluster/node-status.js';
export { ClusterNode } from './cluster/node.js';
export { startNode } from './cluster/start-node.js';
export type { MemberExplanation, MemberTrace } from './cluster/member-history.js';
export type { HandlerStats, NodeStats } from './cluster/node-stats.js';
export type { ClusterLimits } from './cluster/limits.js';
export { oldest, ownerOf } from './cluster/choose-member.js';
export type { ClusterOptions, TransportContext, TransportFactory } from './cluster/options.js';
export { tcpTransport } from './cluster/tcp-transport.js';
export type {
  SecretSecurityOptions,
  SecurityOptions,
  TlsSecurityOptions,
} from './cluster/security/security-options.js';
export type { SocketSecurity } from './transport/tcp/socket-security.js';
export type { PemSource, TlsOptions } from './transport/tcp/tls/certificates.js';
export { generateSecret, type Secret } from './transport/tcp/tls/secrets.js';
export type { MigrationStep } from './transport/tcp/tls/tls-security.js';
export { anyOf, type CompositeDiscovery } from './discovery/composite.js';
export type { Discovery } from './discovery/discovery.js';
export { loopback, type LoopbackOptions } from './discovery/loopback.js';
export { seeds } from './discovery/static.js';
export {
  AddressConflictError,
  BindError,
  BroadcastFailedError,
  ClosedError,
  ClusterError,
  DeliveryUncertainError,
  DiscoveryError,
  DuplicateClusterError,
  DuplicateNodeIdError,
  ErrorsMissedError,
  type FailedBroadcast,
  HandlerError,
  HandshakeError,
  InvalidAddressError,
  InvalidHandlerError,
  InvalidMetadataError,
  InvalidNodeIdError,
  InvalidOptionError,
  JoinRefusedError,
  MemberDrainingError,
  NameConflictError,
  NoHandlerError,
  NoReceiverError,
  NoRouteError,
  NotDeliveredError,
  NotReadyError,
  NotStartedError,
  PayloadTooLargeError,
  ProtocolViolationError,
  RemoteError,
  ReplyError,
  RequestTimeoutError,
  SendQueueFullError,
  SerializationError,
  UnknownMemberError,
  type HandshakeRefusal,
} from './errors.js';
export { silentLogger, type ClusterLogger } from './logger.js';
export {
  Member,
  MembershipEvent,
  MembershipGap,
  Message,
  type BroadcastOptions,
  type BroadcastOutcome,
  type ClusterMetadata,
  type MemberFields,
  type MemberHealth,
  type Membership,
  type MembershipEventType,
  type MemberState,
  type MetadataPatch,
  type Recipient,
  type SendOptions,
} from './membership/membership.js';
export type { SwimComponents, SwimOptions, SwimOverrides, SwimPreset } from './membership/swim/options.js';
export { isNodeId, parseNodeId, type NodeId } from './node-id.js';
export { ClusterException } from './nestjs/cluster-exception.js';
export { ClusterCtx } from './nestjs/decorators/cluster-ctx.decorator.js';
export type {
  ClusterAsyncOptions,
  ClusterModuleOptions,
  ClusterOptionsFactory,
  ClusterRootOptions,
  WaitForOptions,
} from './nestjs/cluster-module-options.js';
export { ClusterModule } from './nestjs/cluster.module.js';
export {
  ClusterPayload,
  type PayloadOptions,
  type PayloadPipe,
  type SchemaLike,
  type SchemaResult,
} from './nestjs/decorators/cluster-payload.decorator.js';
export type {
  ClusterHandlerOptions,
  ClusterMessageHandlerOptions,
} from './nestjs/handlers/handler-metadata.js';
export { InjectMembership } from './nestjs/decorators/inject-membership.decorator.js';
export { CLUSTER_CONTEXT, isClusterContext } from './nestjs/is-cluster-context.js';
export { MembershipService } from './nestjs/membership.service.js';
export { OnClusterMessage } from './nestjs/decorators/on-cluster-message.decorator.js';
export { OnClusterRequest } from './nestjs/decorators/on-cluster-request.decorator.js';
export {
  OnMemberJoined,
  OnMemberLeft,
  OnMemberRecovered,
  OnMemberSuspected,
  OnMembershipEvent,
  OnMemberUnreachable,
  OnMemberUpdated,
} from './nestjs/decorators/on-membership-event.decorator.js';
export { Sender } from './nestjs/decorators/sender.decorator.js';
export { getClusterOptionsToken, getMembershipToken } from './nestjs/tokens.js';
export type {
  BindOptions,
  Binding,
  CastOptions,
  Destination,
  IncomingMessage,
  LinkReport,
  ProvenPeer,
  Receipt,
  RefusedPeer,
  Transport,
  TransportHost,
  Posted,
  TransportSendOptions,
  TransportStats,
} from './transport/transport.js';
