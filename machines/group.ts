/**
 * A conversation of 2 to 10 agents, as a pure machine: members speak round-robin and work on what they share. A member that
 * fails, or does not answer within the turn deadline, loses its turn, not the conversation; what it says too late is not
 * heard. When as many turns in a row as there are members were missed, nobody is there: the group rests until it is started
 * again. What was said are rows of the group's log.
 */
import { and, assign, emit, enqueueActions, setup } from 'xstate';
import { append, spawn, stop, tell } from '../src/actor/effects.ts';
import type { ChildExitedEvent, Effect } from '../src/actor/effects.ts';
import type { Json } from '../src/state/json.ts';

export const MIN_MEMBERS = 2;
export const MAX_MEMBERS = 10;

/** A member to be made: an agent of a type, under a name. */
export interface MemberInput {
  readonly type: string;
  readonly key: string;
  readonly name: string;
  readonly skill: string;
}

export interface Member {
  readonly address: string;
  readonly name: string;
}

export interface GroupInput {
  readonly topic: string;
  readonly members: readonly MemberInput[];
  readonly shared: Readonly<Record<string, Json>>;
  /** Rounds after which the group rests, reached its aim or not. */
  readonly maxRounds: number;
  /** Time a member has for its turn, in milliseconds. */
  readonly turnDeadlineMs: number;
}

export interface GroupContext {
  readonly topic: string;
  readonly members: readonly Member[];
  readonly shared: Readonly<Record<string, Json>>;
  readonly maxRounds: number;
  readonly turnDeadlineMs: number;
  /** Turns missed in a row. */
  readonly missed: number;
  /** Number of the turn under way, from 1 on. */
  readonly turn: number;
  readonly round: number;
  /** Place of whoever speaks among the members. */
  readonly speaker: number;
  /** How the last run ended. */
  readonly outcome: 'none' | 'reached' | 'rounds' | 'silent' | 'deserted';
}

/** A line of the group's log. */
export interface GroupEntry {
  readonly turn: number;
  readonly author: string;
  readonly kind: 'said' | 'failed' | 'missed' | 'note';
  readonly text: string;
}

export type GroupEvent =
  | { readonly type: 'START' }
  | { readonly type: 'SAY'; readonly author: string; readonly text: string }
  | { readonly type: 'SHARE'; readonly shared: Readonly<Record<string, Json>> }
  | { readonly type: 'MEMBER.ADD'; readonly member: MemberInput }
  | { readonly type: 'MEMBER.REMOVE'; readonly address: string }
  | { readonly type: 'END' }
  | {
      readonly type: 'TURN.DONE';
      readonly member: string;
      readonly turn: number;
      readonly text: string;
      readonly shared?: Readonly<Record<string, Json>>;
      readonly isOver?: boolean;
    }
  | { readonly type: 'TURN.FAILED'; readonly member: string; readonly turn: number; readonly message: string }
  | ChildExitedEvent;

function goneAddress(event: GroupEvent): string {
  if (event.type === 'child.exited') return event.child;
  return event.type === 'MEMBER.REMOVE' ? event.address : '';
}

const groupSetup = setup({
  types: {
    context: {} as GroupContext,
    events: {} as GroupEvent,
    input: {} as GroupInput,
    emitted: {} as Effect,
  },
  delays: { turn: ({ context }) => context.turnDeadlineMs },
  guards: {
    isCurrent: ({ context, event }) =>
      (event.type === 'TURN.DONE' || event.type === 'TURN.FAILED') &&
      event.turn === context.turn &&
      event.member === context.members[context.speaker]?.address,
    isReached: ({ event }) => event.type === 'TURN.DONE' && event.isOver === true,
    isLastOfRounds: ({ context }) =>
      context.round >= context.maxRounds && context.speaker >= context.members.length - 1,
    isSpeakerGone: ({ context, event }) => goneAddress(event) === context.members[context.speaker]?.address,
    isDeserted: ({ context, event }) =>
      event.type === 'child.exited' &&
      context.members.filter(({ address }) => address !== event.child).length < MIN_MEMBERS,
    isSilent: ({ context }) => context.missed + 1 >= context.members.length,
    hasRoom: ({ context }) => context.members.length < MAX_MEMBERS,
    canSpare: ({ context, event }) =>
      event.type === 'MEMBER.REMOVE' &&
      context.members.length > MIN_MEMBERS &&
      context.members.some(({ address }) => address === event.address),
  },
});

/** The log line and the shared context of a turn that is over. */
const recordTurn = groupSetup.enqueueActions(({ enqueue, context, event }) => {
  const author = context.members[context.speaker]?.name ?? 'nobody';
  if (event.type === 'TURN.DONE') {
    enqueue.emit(append({ turn: context.turn, author, kind: 'said', text: event.text }));
    if (event.shared) enqueue.assign({ shared: { ...context.shared, ...event.shared } });
  }
  if (event.type === 'TURN.FAILED')
    enqueue.emit(append({ turn: context.turn, author, kind: 'failed', text: event.message }));
  if (context.missed > 0) enqueue.assign({ missed: 0 });
});

/** The log line of a turn whose member has not answered in time. */
const recordMiss = groupSetup.enqueueActions(
  ({ enqueue, context: { turn, members, speaker, turnDeadlineMs, missed } }) => {
    const author = members[speaker]?.name ?? 'nobody';
    enqueue.emit(append({ turn, author, kind: 'missed', text: `no answer within ${turnDeadlineMs} ms` }));
    enqueue.assign({ missed: missed + 1 });
  },
);

const passOn = groupSetup.assign(({ context }) => {
  const isLast = context.speaker >= context.members.length - 1;
  return {
    turn: context.turn + 1,
    speaker: isLast ? 0 : context.speaker + 1,
    round: isLast ? context.round + 1 : context.round,
  };
});

const callSpeaker = groupSetup.emit(({ context, self }) => {
  const { turn, round, shared, speaker, members } = context;
  return tell(members[speaker]?.address ?? '', { type: 'TURN', group: self.id, turn, round, shared } as {
    type: string;
  });
});

/** Takes a member that is gone out of the circle; whoever spoke keeps the word. */
const dropMember = groupSetup.assign(({ context, event }) => {
  const gone = goneAddress(event);
  const at = context.members.findIndex(({ address }) => address === gone);
  if (at < 0) return {};
  const members = context.members.filter(({ address }) => address !== gone);
  const speaker = at < context.speaker ? context.speaker - 1 : context.speaker % Math.max(1, members.length);
  return { members, speaker };
});

const noteExit = groupSetup.emit(({ context, event }) => {
  const child = event.type === 'child.exited' ? event.child : '';
  const name = context.members.find(({ address }) => address === child)?.name ?? child;
  return append({ turn: context.turn, author: name, kind: 'note', text: `${name} has left the group.` });
});

const stopMember = groupSetup.emit(({ event }) => stop(event.type === 'MEMBER.REMOVE' ? event.address : ''));

export const groupMachine = groupSetup.createMachine({
  id: 'group',
  context: ({ input }) => ({
    topic: input.topic,
    members: input.members.map(({ type, key, name }) => ({ address: `${type}/${key}`, name })),
    shared: input.shared,
    maxRounds: input.maxRounds,
    turnDeadlineMs: input.turnDeadlineMs,
    missed: 0,
    turn: 0,
    round: 0,
    speaker: 0,
    outcome: 'none',
  }),
  entry: enqueueActions(({ enqueue, event }) => {
    const { input } = event as unknown as { input: GroupInput };
    for (const { type, key, name, skill } of input.members) enqueue.emit(spawn(type, key, { name, skill }));
  }),
  on: {
    SAY: {
      actions: emit(({ context, event }) =>
        append({ turn: context.turn, author: event.author, kind: 'said', text: event.text }),
      ),
    },
    SHARE: { actions: assign({ shared: ({ context, event }) => ({ ...context.shared, ...event.shared }) }) },
    'MEMBER.ADD': {
      guard: 'hasRoom',
      actions: enqueueActions(({ enqueue, context, event: { member } }) => {
        enqueue.assign({
          members: [...context.members, { address: `${member.type}/${member.key}`, name: member.name }],
        });
        enqueue.emit(spawn(member.type, member.key, { name: member.name, skill: member.skill }));
      }),
    },
    'MEMBER.REMOVE': { guard: 'canSpare', actions: [stopMember, dropMember] },
    END: '.ended',
  },
  initial: 'resting',
  states: {
    resting: {
      on: {
        START: {
          target: 'speaking',
          actions: assign({
            turn: ({ context }) => context.turn + 1,
            round: 1,
            speaker: 0,
            missed: 0,
            outcome: 'none',
          }),
        },
        'child.exited': [
          { guard: 'isDeserted', target: 'ended', actions: [noteExit, dropMember, assign({ outcome: 'deserted' })] },
          { actions: [noteExit, dropMember] },
        ],
      },
    },
    speaking: {
      entry: callSpeaker,
      after: {
        turn: [
          { guard: 'isSilent', target: 'resting', actions: [recordMiss, assign({ outcome: 'silent' })] },
          { guard: 'isLastOfRounds', target: 'resting', actions: [recordMiss, assign({ outcome: 'rounds' })] },
          { target: 'speaking', reenter: true, actions: [recordMiss, passOn] },
        ],
      },
      on: {
        'TURN.DONE': [
          {
            guard: and(['isCurrent', 'isReached']),
            target: 'resting',
            actions: [recordTurn, assign({ outcome: 'reached' })],
          },
          {
            guard: and(['isCurrent', 'isLastOfRounds']),
            target: 'resting',
            actions: [recordTurn, assign({ outcome: 'rounds' })],
          },
          { guard: 'isCurrent', target: 'speaking', reenter: true, actions: [recordTurn, passOn] },
        ],
        'TURN.FAILED': [
          {
            guard: and(['isCurrent', 'isLastOfRounds']),
            target: 'resting',
            actions: [recordTurn, assign({ outcome: 'rounds' })],
          },
          { guard: 'isCurrent', target: 'speaking', reenter: true, actions: [recordTurn, passOn] },
        ],
        'child.exited': [
          { guard: 'isDeserted', target: 'ended', actions: [noteExit, dropMember, assign({ outcome: 'deserted' })] },
          {
            guard: 'isSpeakerGone',
            target: 'speaking',
            reenter: true,
            actions: [noteExit, dropMember, assign({ turn: ({ context }) => context.turn + 1 })],
          },
          { actions: [noteExit, dropMember] },
        ],
        'MEMBER.REMOVE': {
          guard: and(['canSpare', 'isSpeakerGone']),
          target: 'speaking',
          reenter: true,
          actions: [stopMember, dropMember, assign({ turn: ({ context }) => context.turn + 1 })],
        },
      },
    },
    ended: { type: 'final' },
  },
  output: ({ context }) => ({ outcome: context.outcome, turns: context.turn, shared: context.shared }),
});
