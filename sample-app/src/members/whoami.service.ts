import { Injectable } from '@nestjs/common';
import { Member, MembershipService, OnClusterRequest } from 'clusterpack';

/** What a member answers when it is asked who it is. */
export interface Introduction {
  readonly id: string;
  readonly name: string;
  readonly pid: number;
  readonly uptimeMs: number;
}

declare module 'clusterpack' {
  interface ClusterContracts {
    whoami: { data: Record<string, never>; reply: Introduction };
  }
}

@Injectable()
export class WhoamiService {
  constructor(private readonly membership: MembershipService) {}

  ask(member: Member): Promise<Introduction> {
    return this.membership.request(member, 'whoami', {});
  }

  @OnClusterRequest('whoami')
  introduce(): Introduction {
    const { id, name } = this.membership.local;
    return { id, name, pid: process.pid, uptimeMs: Math.round(process.uptime() * 1000) };
  }
}
