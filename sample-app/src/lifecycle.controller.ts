import { Controller, Get, HttpCode, Post, Res } from '@nestjs/common';
import { MembershipService } from 'clusterpack';
import type { ServerResponse } from 'node:http';
import { Shutdown } from './shutdown.js';

interface HealthJson {
  readonly status: string;
  readonly members: number;
  readonly suspects: number;
}

@Controller()
export class LifecycleController {
  constructor(
    private readonly membership: MembershipService,
    private readonly shutdown: Shutdown,
  ) {}

  /** 200 once the node has joined, or knows that it is alone; 503 before that and while it leaves. */
  @Get('health')
  health(@Res({ passthrough: true }) response: ServerResponse): HealthJson {
    const { status, activeMembers } = this.membership;
    response.statusCode = status === 'ready' ? 200 : 503;
    return {
      status,
      members: activeMembers.length,
      suspects: activeMembers.filter((member) => member.state === 'suspect').length,
    };
  }

  /** Answers first, then leaves the cluster and ends the program. */
  @Post('leave')
  @HttpCode(202)
  leave(@Res({ passthrough: true }) response: ServerResponse): { status: string } {
    response.setHeader('connection', 'close');
    response.once('close', () => this.shutdown.request());
    return { status: 'leaving' };
  }
}
