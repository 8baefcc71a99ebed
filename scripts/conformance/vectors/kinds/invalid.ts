import { z } from 'zod';
import { HoppingWindows } from '../../../../services/lib/windows/assigners/hopping.ts';
import { SessionWindows } from '../../../../services/lib/windows/assigners/session.ts';
import { TumblingWindows } from '../../../../services/lib/windows/assigners/tumbling.ts';
import { HoppingSlices } from '../../../../services/lib/windows/slices/hopping-slices.ts';
import { WindowError } from '../../../../services/lib/windows/window-error.ts';
import { type Kind, parsed, Unsupported } from '../kind.ts';

const sized = z.object({ size: z.number(), offset: z.number().optional() });
const hopping = z.object({ size: z.number(), slide: z.number(), offset: z.number().optional() });
const session = z.object({ gap: z.number() });

/** The class of ours that stands for the one whose test is cited, with the convention of its system. */
const constructors: Readonly<Record<string, (parameters: unknown) => unknown>> = {
  TumblingEventTimeWindowsTest: (parameters) => new TumblingWindows(exact(sized.parse(parameters))),
  SlidingEventTimeWindowsTest: (parameters) => new HoppingWindows(exact(hopping.parse(parameters))),
  FixedWindowsTest: (parameters) => new TumblingWindows({ ...exact(sized.parse(parameters)), offsets: 'non-negative' }),
  SlidingWindowsTest: (parameters) => new HoppingWindows({ ...exact(hopping.parse(parameters)), offsets: 'non-negative' }),
  TimeWindowsTest: (parameters) => new HoppingWindows({ ...exact(hopping.parse(parameters)), gaps: 'rejected' }),
  HoppingSliceAssignerTest: (parameters) => new HoppingSlices({ ...exact(hopping.parse(parameters)), uneven: 'rejected' }),
  EventTimeSessionWindowsTest: (parameters) => new SessionWindows(session.parse(parameters)),
};

export const invalid: Kind = (vector) => {
  const testClass = /(\w+)\.\w+#/.exec(vector.source)?.[1] ?? '';
  const construct = constructors[testClass];
  if (construct === undefined) throw new Unsupported(`invalid: the source names no class that is known here, but '${testClass}'`);
  const got = parsed(z.array(z.looseObject({})), vector, 'input').map((parameters) => outcomeOf(construct, parameters));
  return { got, ok: got.length > 0 && got.every((outcome) => outcome === 'rejected') };
};

function outcomeOf(construct: (parameters: unknown) => unknown, parameters: unknown): 'rejected' | 'accepted' {
  try {
    construct(parameters);
    return 'accepted';
  } catch (error) {
    if (error instanceof WindowError && error.code === 'PARAMETER_INVALID') return 'rejected';
    if (error instanceof z.ZodError) throw new Unsupported(`invalid: parameters ${JSON.stringify(parameters)} of another constructor`);
    throw error;
  }
}

/** Without an offset that is not given. */
function exact<T extends { offset?: number | undefined }>({ offset, ...rest }: T): Omit<T, 'offset'> & { offset?: number } {
  return offset === undefined ? rest : { ...rest, offset };
}
