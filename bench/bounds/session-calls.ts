// Opening and closing the sessions of a thread, each bounded in time. What lies between has the scenario's timeout.
import type { Driver, Session } from '../contract/driver.ts'
import { answerOf } from './answer.ts'
import type { Whose } from './whose.ts'

export function openSession(driver: Driver, whose: Whose, ...asked: Parameters<Driver['open']>): Promise<Session> {
  const bound = { what: 'answered its open()', limitMs: whose.limits.answerMs }
  return answerOf(whose, bound, () => driver.open(...asked))
}

export function closeSession(session: Session, whose: Whose): Promise<void> {
  const bound = { what: 'closed its session', limitMs: whose.limits.closeMs }
  return answerOf(whose, bound, () => session[Symbol.asyncDispose]())
}
