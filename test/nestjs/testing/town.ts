import { Injectable, Module, type ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import {
  ClusterMessage,
  ClusterModule,
  Member,
  MembershipService,
  OnClusterMessage,
  OnClusterRequest,
  OnMemberJoined,
  OnMembershipEvent,
  type ClusterModuleOptions,
} from '../../../src/index.js';

/** A service as applications have them: told of members and messages, and asking others. */
@Injectable()
export class Town {
  readonly heard: string[] = [];
  readonly joined: string[] = [];
  readonly gone: string[] = [];
  readonly events: string[] = [];

  constructor(readonly membership: MembershipService) {}

  @OnMemberJoined()
  join(member: Member): void {
    this.joined.push(member.name);
  }

  @OnMembershipEvent('unreachable', 'left')
  leave(member: Member): void {
    this.gone.push(member.name);
  }

  @OnMembershipEvent()
  every(member: Member, event: { readonly type: string }): void {
    this.events.push(`${event.type} ${member.name}`);
  }

  @OnClusterMessage('word')
  word(data: string, message: ClusterMessage): void {
    this.heard.push(`${message.sender.name}: ${data}`);
  }

  @OnClusterRequest('name')
  name(): string {
    return this.membership.local.name;
  }
}

/** What an application would run with in production: none of it may reach the test's machine. */
export const production: ClusterModuleOptions = {
  clusterName: 'shop',
  nodeName: 'shop-4711',
  host: '0.0.0.0',
  port: 7946,
  security: 'none',
  advertise: 'shop.example.com',
  metadata: { role: 'web' },
  requestTimeoutMs: 700,
  enabled: false,
  discovery: {
    name: 'unwanted',
    discoverNodes: () => Promise.reject(new TypeError('somebody looked for nodes')),
  },
};

@Module({ imports: [ClusterModule.forRoot(production)], providers: [Town] })
export class TownModule {}

/** A builder of an application with these providers, a cluster, and no log on the console. */
export function town(
  providers: NonNullable<ModuleMetadata['providers']> = [],
  options: ClusterModuleOptions = {},
): TestingModuleBuilder {
  return quiet(
    Test.createTestingModule({ imports: [ClusterModule.forRoot(options)], providers: [Town, ...providers] }),
  );
}

export function quiet(builder: TestingModuleBuilder): TestingModuleBuilder {
  const silent = (): void => undefined;
  return builder.setLogger({ log: silent, warn: silent, error: silent, debug: silent });
}
