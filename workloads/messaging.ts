// Messages, appended: one send inserts a row into the timeline of every member of a conversation.
import { OPERATION, type Table } from '../bench/contract/table.ts'
import type { OperationStream, StreamPlan, Workload, WorkloadOptions } from '../bench/contract/workload.ts'
import { homeKeys } from './home-keys.ts'
import { memberCount, memberTimelines, messageKeys, timelineCount } from './messaging-keys.ts'

export const messaging: Workload = {
  name: 'messaging',
  summary: 'append-only messages of about 270 bytes: one send inserts a row for each of 2 to 50 members',
  meaning:
    'A table of messages, one row in the timeline of each member of the conversation: fan-out on write. A conversation has 2 to 50 ' +
    'members (P(n) ∝ n⁻², on average 5.6), and a send’s rows follow each other in the stream. Every operation is an insert of a key ' +
    'that nobody else ever writes, so that there is nothing to conflict: what is measured is how fast rows are appended and replicated. ' +
    'Keys order rows by timeline, and within it by phase, send and DC, all above the loaded rows. For every 20 loaded rows there is one ' +
    'timeline and one conversation (at least 64, at most 4,194,304). A row’s values are made from its dot and don’t repeat those of its key.',
  optionMeanings: {
    rows: 'messages loaded before the run, which no operation touches, and one timeline and one conversation for every 20 of them',
    overlap:
      'share of the conversations that every DC sends to; the others are sent to from their home DC only. Their members’ timelines then grow from several DCs, but never at the same key: conflicts stay 0',
    skew: 'zipfian exponent of the conversations’ activity: the timelines of busy conversations grow fastest',
    distribution: 'law by which a send chooses its conversation; latest takes the last conversations as the busiest',
    deletes: 'messages are only added: none is deleted',
  },
  appends: true,
  defaults: { rows: 1_000_000, overlap: 0.1, skew: 0.99, distribution: 'zipfian', deletes: 0 },

  table(options: WorkloadOptions): Table {
    return {
      name: 'messages',
      rows: options.rows,
      columns: [
        { name: 'conversation', type: 'int', min: 0, max: 2_147_483_647 },
        { name: 'sender', type: 'int', min: 0, max: 2_147_483_647 },
        { name: 'body', type: 'text', minBytes: 100, maxBytes: 400 },
      ],
    }
  },

  stream(plan: StreamPlan): OperationStream {
    const { options, seed, dcIndex, dcCount, phase } = plan
    const timelines = timelineCount(options.rows)
    const nextConversation = homeKeys({ ...plan, options: { ...options, rows: timelines } })
    const keyOf = messageKeys(options.rows, dcIndex, dcCount, phase)
    let send = -1
    let membersLeft = 0
    let timeline = 0
    let step = 0
    return {
      next(count, keys, operations) {
        for (let i = 0; i < count; i++) {
          if (membersLeft === 0) {
            const conversation = nextConversation()
            send++
            membersLeft = memberCount(conversation, seed)
            ;({ first: timeline, step } = memberTimelines(conversation, timelines, seed))
          }
          keys[i] = keyOf(timeline, send)
          operations[i] = OPERATION.insert
          membersLeft--
          timeline = (timeline + step) % timelines
        }
      },
    }
  },
}
