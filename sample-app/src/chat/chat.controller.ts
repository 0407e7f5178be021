import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { Member } from 'clusterpack';
import { RecipientPipe } from '../recipient.pipe.js';
import type { ChatLine } from './chat-line.js';
import { ChatTextPipe } from './chat-text.pipe.js';
import { ChatService, type ChatOutcome } from './chat.service.js';

@Controller('chat')
export class ChatController {
  constructor(private readonly chat: ChatService) {}

  @Get()
  received(): readonly ChatLine[] {
    return this.chat.received();
  }

  @Post()
  @HttpCode(200)
  tellAll(@Body(ChatTextPipe) text: string): Promise<ChatOutcome> {
    return this.chat.tellAll(text);
  }

  @Post(':id')
  @HttpCode(200)
  tell(@Param('id', RecipientPipe) member: Member, @Body(ChatTextPipe) text: string): Promise<ChatOutcome> {
    return this.chat.tell(member, text);
  }
}
