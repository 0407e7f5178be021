/** What must type-check and what must not, once an application has said what its metadata are. */
import type { ClusterNode, MembershipService, MetadataPatch } from 'clusterpack';
import { ClusterModule, oldest, ownerOf } from 'clusterpack';

declare module 'clusterpack' {
  /** Another part of the application adds to the contracts, too. */
  interface ClusterContracts {
    'types-test.elsewhere': { data: number };
  }
  interface ClusterMetadata {
    readonly zone?: string;
    readonly weight?: number;
  }
}

export function reads(cluster: MembershipService): string | undefined {
  const { metadata } = cluster.local;
  const zone: string | undefined = metadata.zone;
  const other: unknown = metadata['anything else'];
  // @ts-expect-error A member may not say it.
  const sure: string = metadata.zone;
  // @ts-expect-error It is no number.
  const number: number | undefined = metadata.zone;
  // @ts-expect-error What is not declared is unknown.
  const unknown: string = metadata['anything else'];
  // @ts-expect-error Metadata are frozen.
  metadata.zone = 'eu';
  return (
    [zone, other, sure, number, unknown].join() &&
    oldest(cluster.members({ where: (m) => m.metadata.zone === 'eu' }))?.name
  );
}

export async function patches(cluster: MembershipService, node: ClusterNode): Promise<void> {
  const now = await cluster.updateMetadata({ zone: 'eu', weight: 2, 'anything else': [1] });
  await node.updateMetadata({ zone: null, weight: undefined });
  const patch: MetadataPatch = { zone: null };
  await cluster.updateMetadata(patch);
  const weight: number | undefined = now.weight;
  // @ts-expect-error The zone is text.
  await cluster.updateMetadata({ zone: 5 });
  // @ts-expect-error The weight is a number.
  await node.updateMetadata({ weight: 'heavy' });
  // @ts-expect-error Metadata are an object.
  await cluster.updateMetadata('eu');
  void weight;
}

export const modules = [
  ClusterModule.forRoot({ metadata: { zone: 'eu', 'anything else': 1 } }),
  // @ts-expect-error The zone is text.
  ClusterModule.forRoot({ metadata: { zone: 5 } }),
];

// @ts-expect-error A key is text.
ownerOf(5, []);
