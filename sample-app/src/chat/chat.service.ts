import { Injectable, Logger } from '@nestjs/common';
import {
  BroadcastFailedError,
  ClusterMessage,
  Member,
  MembershipService,
  OnClusterMessage,
} from 'clusterpack';
import type { BroadcastOutcome } from 'clusterpack';
import { fits, isChatText, type ChatLine } from './chat-line.js';

/** Who got a text: ids, sorted, and for each that did not, the code of the reason. */
export interface ChatOutcome {
  readonly delivered: readonly string[];
  readonly failed: readonly { readonly id: string; readonly code: string }[];
}

const REMEMBERED_LINES = 1000;

/** Chat between the members: writes lines to them, and remembers the last 1,000 that arrived. */
@Injectable()
export class ChatService {
  private readonly logger = new Logger('Chat');
  private readonly lines: ChatLine[] = [];

  constructor(private readonly membership: MembershipService) {}

  /** The lines received, in order of arrival. */
  received(): readonly ChatLine[] {
    return this.lines;
  }

  /** To every other member. That none got it is an outcome as well. */
  async tellAll(text: string): Promise<ChatOutcome> {
    try {
      return outcomeOf(await this.membership.emitAll('chat', { text }));
    } catch (error) {
      if (!(error instanceof BroadcastFailedError)) throw error;
      return outcomeOf(error.outcome as BroadcastOutcome);
    }
  }

  /** To one member, this one included. */
  async tell(member: Member, text: string): Promise<ChatOutcome> {
    await this.membership.emit(member, 'chat', { text });
    return { delivered: [member.id], failed: [] };
  }

  @OnClusterMessage('chat')
  receive(data: unknown, message: ClusterMessage): void {
    if (!isChatText(data) || !fits(data.text)) {
      this.logger.warn(
        `${message.sender.name} (${message.sender.id}) sent a line that is none; it is dropped`,
      );
      return;
    }
    this.lines.push({ from: message.sender.id, text: data.text, at: message.receivedAtMs });
    if (this.lines.length > REMEMBERED_LINES) this.lines.shift();
  }
}

function outcomeOf({ delivered, failed }: BroadcastOutcome): ChatOutcome {
  return {
    delivered: delivered.map((member) => member.id).toSorted(),
    failed: failed.map(({ member, error }) => ({ id: member.id, code: error.code })),
  };
}
