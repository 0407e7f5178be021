// A cluster of three applications in virtual time, from the package as users get it.
import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { ClusterModule, Member, MembershipService, OnClusterRequest, OnMemberUnreachable } from 'clusterpack';
import { NestCluster, isolated, seconds, simulate } from 'clusterpack/testing';

@Injectable()
export class Alarms {
  readonly raised: string[] = [];

  constructor(private readonly membership: MembershipService) {}

  @OnMemberUnreachable()
  raise(member: Member): void {
    this.raised.push(member.name);
  }

  @OnClusterRequest('who')
  who(): string {
    return this.membership.local.name;
  }
}

@Module({
  imports: [ClusterModule.forRoot({ clusterName: 'smoke', host: '0.0.0.0', security: 'none' })],
  providers: [Alarms],
})
export class AlarmModule {}

/** What the alarms of a said when c had crashed, and what b answered. */
export async function crashOne(): Promise<{ raised: readonly string[]; answer: unknown }> {
  const cluster = await NestCluster.start({
    nodes: 3,
    module: () => Test.createTestingModule({ imports: [AlarmModule] }),
  });
  const b = cluster.membership('b').local;
  const answer = await cluster.run(cluster.membership('a').request(b, 'who', undefined));
  cluster.crash('c');
  await cluster.advance(seconds(5));
  const { raised } = cluster.get('a', Alarms);
  await cluster.close();
  return { raised, answer };
}

/** What a simulated node of the protocol thinks of one that crashed. */
export function simulated(): unknown {
  return simulate({ nodes: 5, seed: 1 })
    .settle()
    .crash('c')
    .untilEveryoneHolds('c', 'unreachable')
    .stateAt('a', 'c');
}

export { isolated };
