"""The tables of commands and phases as data: what each command comes to in each situation.

A cell holds the recorded facts in the order in which they happen; `-` is nothing, an empty cell cannot be.
The words are those of `in_short`. `docs/phases.md` is rendered from here.
"""

# ruff: noqa: E501 - a table is read by its columns

OVERRIDES = """
situation                 | pause          | resume         | promote        | skip                              | abort              | rollback                 | approve        | reject             | retry                | freeze  | unfreeze
not registered            | no: no live    | no: no live    | no: no live    | no: no live                       | no: no live        | no: nothing to take back | no: no live    | no: no live        | no: never            | freezes | no: not frozen
idle                      | no: no live    | no: no live    | no: no live    | no: no live                       | no: no live        | no: nothing to take back | no: no live    | no: no live        | no: never            | freezes | no: not frozen
after success             | no: no live    | no: no live    | no: no live    | no: no live                       | no: no live        | returns, starts          | no: no live    | no: no live        | no: nothing to retry | freezes | no: not frozen
after a return            | no: no live    | no: no live    | no: no live    | no: no live                       | no: no live        | no: went back            | no: no live    | no: no live        | no: nothing to retry | freezes | no: not frozen
after rollback            | no: no live    | no: no live    | no: no live    | no: no live                       | no: no live        | no: nothing to take back | no: no live    | no: no live        | retries, starts      | freezes | no: not frozen
after abort               | no: no live    | no: no live    | no: no live    | no: no live                       | no: no live        | no: nothing to take back | no: no live    | no: no live        | retries, starts      | freezes | no: not frozen
after failure             | no: no live    | no: no live    | no: no live    | no: no live                       | no: no live        | no: nothing to take back | no: no live    | no: no live        | retries, starts      | freezes | no: not frozen
preflight                 | pauses         | no: not paused | no: preflight  | no: preflight                     | back, then aborted | back, then rolled-back   | no: no gate    | no: no gate        | no: busy             | freezes | no: not frozen
preflight, paused         | no: paused     | resumes        | no: preflight  | no: preflight                     | back, then aborted | back, then rolled-back   | no: no gate    | no: no gate        | no: busy             | freezes | no: not frozen
gate before any weight    | pauses         | no: not paused | swaps          | no: gate                          | back, then aborted | back, then rolled-back   | approves       | back, then aborted | no: busy             | freezes | no: not frozen
shifting                  | pauses         | no: not paused | swaps          | no: shifting                      | back, then aborted | back, then rolled-back   | no: no gate    | no: no gate        | no: busy             | freezes | no: not frozen
shifting, paused          | no: paused     | resumes        | swaps          | no: shifting                      | back, then aborted | back, then rolled-back   | no: no gate    | no: no gate        | no: busy             | freezes | no: not frozen
baking                    | pauses         | no: not paused | swaps          | asks a person                     | back, then aborted | back, then rolled-back   | no: no gate    | no: no gate        | no: busy             | freezes | no: not frozen
baking, paused            | no: paused     | resumes        | swaps          | asks a person                     | back, then aborted | back, then rolled-back   | no: no gate    | no: no gate        | no: busy             | freezes | no: not frozen
baking, timed out         | no: paused     | resumes        | swaps          | asks a person                     | back, then aborted | back, then rolled-back   | no: no gate    | no: no gate        | no: busy             | freezes | no: not frozen
gate                      | pauses         | no: not paused | swaps          | no: gate                          | back, then aborted | back, then rolled-back   | approves       | back, then aborted | no: busy             | freezes | no: not frozen
gate, paused              | no: paused     | resumes        | swaps          | no: gate                          | back, then aborted | back, then rolled-back   | approves       | back, then aborted | no: busy             | freezes | no: not frozen
gate, approved            | pauses         | no: not paused | swaps          | shifts to 50 %                    | back, then aborted | back, then rolled-back   | no: approved   | no: approved       | no: busy             | freezes | no: not frozen
gate, approved, paused    | no: paused     | resumes        | swaps          | shifts to 50 %                    | back, then aborted | back, then rolled-back   | no: approved   | no: approved       | no: busy             | freezes | no: not frozen
shifting from 5 %         | pauses         | no: not paused | swaps          | no: shifting                      | back, then aborted | back, then rolled-back   | no: no gate    | no: no gate        | no: busy             | freezes | no: not frozen
shifting from 5 %, paused | no: paused     | resumes        | swaps          | no: shifting                      | back, then aborted | back, then rolled-back   | no: no gate    | no: no gate        | no: busy             | freezes | no: not frozen
swapping, not begun       | no: swap       | no: not paused | no: promoting  | no: promoting                     | no: promoting      | back, then rolled-back   | no: no gate    | no: no gate        | no: busy             | freezes | no: not frozen
swapping                  | no: swap       | no: not paused | no: promoting  | no: promoting                     | no: promoting      | back, then rolled-back   | no: no gate    | no: no gate        | no: busy             | freezes | no: not frozen
swapping, stuck           | no: swap       | no: not paused | no: promoting  | no: promoting                     | no: promoting      | back, then rolled-back   | no: no gate    | no: no gate        | no: busy             | freezes | no: not frozen
clearing                  | no: swap       | no: not paused | no: promoting  | no: promoting                     | no: promoting      | back, then rolled-back   | no: no gate    | no: no gate        | no: busy             | freezes | no: not frozen
promotion baking          | pauses         | no: not paused | no: promoting  | skips the bake, holds nobody back | no: promoting      | back, then rolled-back   | no: no gate    | no: no gate        | no: busy             | freezes | no: not frozen
promotion baking, paused  | no: paused     | resumes        | no: promoting  | skips the bake, holds nobody back | no: promoting      | back, then rolled-back   | no: no gate    | no: no gate        | no: busy             | freezes | no: not frozen
ending the promotion      | no: ending     | no: not paused | no: promoting  | no: promoting                     | no: promoting      | back, then rolled-back   | no: no gate    | no: no gate        | no: busy             | freezes | no: not frozen
hook                      | pauses         | no: not paused | swaps          | shifts to 5 %                     | back, then aborted | back, then rolled-back   | no: no gate    | no: no gate        | no: busy             | freezes | no: not frozen
hook, paused              | no: paused     | resumes        | swaps          | shifts to 5 %                     | back, then aborted | back, then rolled-back   | no: no gate    | no: no gate        | no: busy             | freezes | no: not frozen
promoting by weight       | pauses         | no: not paused | no: promoting  | no: promoting                     | no: promoting      | back, then rolled-back   | no: no gate    | no: no gate        | no: busy             | freezes | no: not frozen
baking by weight          | pauses         | no: not paused | no: promoting  | skips the bake, holds nobody back | no: promoting      | back, then rolled-back   | no: no gate    | no: no gate        | no: busy             | freezes | no: not frozen
baking by weight, paused  | no: paused     | resumes        | no: promoting  | skips the bake, holds nobody back | no: promoting      | back, then rolled-back   | no: no gate    | no: no gate        | no: busy             | freezes | no: not frozen
returning, preflight      | pauses         | no: not paused | no: preflight  | no: preflight                     | back, then aborted | no: returning            | no: no gate    | no: no gate        | no: busy             | freezes | no: not frozen
returning, swapping       | no: swap       | no: not paused | no: promoting  | no: promoting                     | no: promoting      | no: returning            | no: no gate    | no: no gate        | no: busy             | freezes | no: not frozen
zeroing                   | no: going back | no: going back | no: going back | no: going back                    | no: going back     | no: going back           | no: going back | no: going back     | no: busy             | freezes | no: not frozen
swapping back, not begun  | no: going back | no: going back | no: going back | no: going back                    | no: going back     | no: going back           | no: going back | no: going back     | no: busy             | freezes | no: not frozen
swapping back             | no: going back | no: going back | no: going back | no: going back                    | no: going back     | no: going back           | no: going back | no: going back     | no: busy             | freezes | no: not frozen
settling                  | no: going back | no: going back | no: going back | no: going back                    | no: going back     | no: going back           | no: going back | no: going back     | no: busy             | freezes | no: not frozen
"""
"""A person's command."""

OVERRIDES_WHILE_FROZEN = """
situation                 | pause          | resume         | promote       | skip          | abort              | rollback                 | approve     | reject             | retry                | freeze     | unfreeze
not registered            | no: no live    | no: no live    | no: no live   | no: no live   | no: no live        | no: nothing to take back | no: no live | no: no live        | no: never            | no: frozen | unfreezes
idle                      | no: no live    | no: no live    | no: no live   | no: no live   | no: no live        | no: nothing to take back | no: no live | no: no live        | no: never            | no: frozen | unfreezes
after success             | no: no live    | no: no live    | no: no live   | no: no live   | no: no live        | returns, starts          | no: no live | no: no live        | no: nothing to retry | no: frozen | unfreezes
after a return            | no: no live    | no: no live    | no: no live   | no: no live   | no: no live        | no: went back            | no: no live | no: no live        | no: nothing to retry | no: frozen | unfreezes
after rollback            | no: no live    | no: no live    | no: no live   | no: no live   | no: no live        | no: nothing to take back | no: no live | no: no live        | retries              | no: frozen | unfreezes
after abort               | no: no live    | no: no live    | no: no live   | no: no live   | no: no live        | no: nothing to take back | no: no live | no: no live        | retries              | no: frozen | unfreezes
after failure             | no: no live    | no: no live    | no: no live   | no: no live   | no: no live        | no: nothing to take back | no: no live | no: no live        | retries              | no: frozen | unfreezes
preflight                 | pauses         | no: not paused | no: frozen    | no: frozen    | back, then aborted | back, then rolled-back   | no: frozen  | no: no gate        | no: busy             | no: frozen | unfreezes
preflight, paused         | no: paused     | resumes        | no: frozen    | no: frozen    | back, then aborted | back, then rolled-back   | no: frozen  | no: no gate        | no: busy             | no: frozen | unfreezes
gate before any weight    | pauses         | no: not paused | no: frozen    | no: frozen    | back, then aborted | back, then rolled-back   | no: frozen  | back, then aborted | no: busy             | no: frozen | unfreezes
shifting                  | pauses         | no: not paused | no: frozen    | no: frozen    | back, then aborted | back, then rolled-back   | no: frozen  | no: no gate        | no: busy             | no: frozen | unfreezes
shifting, paused          | no: paused     | resumes        | no: frozen    | no: frozen    | back, then aborted | back, then rolled-back   | no: frozen  | no: no gate        | no: busy             | no: frozen | unfreezes
baking                    | pauses         | no: not paused | no: frozen    | no: frozen    | back, then aborted | back, then rolled-back   | no: frozen  | no: no gate        | no: busy             | no: frozen | unfreezes
baking, paused            | no: paused     | resumes        | no: frozen    | no: frozen    | back, then aborted | back, then rolled-back   | no: frozen  | no: no gate        | no: busy             | no: frozen | unfreezes
baking, timed out         | no: paused     | resumes        | no: frozen    | no: frozen    | back, then aborted | back, then rolled-back   | no: frozen  | no: no gate        | no: busy             | no: frozen | unfreezes
gate                      | pauses         | no: not paused | no: frozen    | no: frozen    | back, then aborted | back, then rolled-back   | no: frozen  | back, then aborted | no: busy             | no: frozen | unfreezes
gate, paused              | no: paused     | resumes        | no: frozen    | no: frozen    | back, then aborted | back, then rolled-back   | no: frozen  | back, then aborted | no: busy             | no: frozen | unfreezes
gate, approved            | pauses         | no: not paused | no: frozen    | no: frozen    | back, then aborted | back, then rolled-back   | no: frozen  | no: approved       | no: busy             | no: frozen | unfreezes
gate, approved, paused    | no: paused     | resumes        | no: frozen    | no: frozen    | back, then aborted | back, then rolled-back   | no: frozen  | no: approved       | no: busy             | no: frozen | unfreezes
shifting from 5 %         | pauses         | no: not paused | no: frozen    | no: frozen    | back, then aborted | back, then rolled-back   | no: frozen  | no: no gate        | no: busy             | no: frozen | unfreezes
shifting from 5 %, paused | no: paused     | resumes        | no: frozen    | no: frozen    | back, then aborted | back, then rolled-back   | no: frozen  | no: no gate        | no: busy             | no: frozen | unfreezes
swapping, not begun       | no: swap       | no: not paused | no: frozen    | no: frozen    | no: promoting      | back, then rolled-back   | no: frozen  | no: no gate        | no: busy             | no: frozen | unfreezes
swapping                  | no: swap       | no: not paused | no: frozen    | no: frozen    | no: promoting      | back, then rolled-back   | no: frozen  | no: no gate        | no: busy             | no: frozen | unfreezes
swapping, stuck           | no: swap       | no: not paused | no: frozen    | no: frozen    | no: promoting      | back, then rolled-back   | no: frozen  | no: no gate        | no: busy             | no: frozen | unfreezes
clearing                  | no: swap       | no: not paused | no: frozen    | no: frozen    | no: promoting      | back, then rolled-back   | no: frozen  | no: no gate        | no: busy             | no: frozen | unfreezes
promotion baking          | pauses         | no: not paused | no: frozen    | no: frozen    | no: promoting      | back, then rolled-back   | no: frozen  | no: no gate        | no: busy             | no: frozen | unfreezes
promotion baking, paused  | no: paused     | resumes        | no: frozen    | no: frozen    | no: promoting      | back, then rolled-back   | no: frozen  | no: no gate        | no: busy             | no: frozen | unfreezes
ending the promotion      | no: ending     | no: not paused | no: frozen    | no: frozen    | no: promoting      | back, then rolled-back   | no: frozen  | no: no gate        | no: busy             | no: frozen | unfreezes
hook                      | pauses         | no: not paused | no: frozen    | no: frozen    | back, then aborted | back, then rolled-back   | no: frozen  | no: no gate        | no: busy             | no: frozen | unfreezes
hook, paused              | no: paused     | resumes        | no: frozen    | no: frozen    | back, then aborted | back, then rolled-back   | no: frozen  | no: no gate        | no: busy             | no: frozen | unfreezes
promoting by weight       | pauses         | no: not paused | no: frozen    | no: frozen    | no: promoting      | back, then rolled-back   | no: frozen  | no: no gate        | no: busy             | no: frozen | unfreezes
baking by weight          | pauses         | no: not paused | no: frozen    | no: frozen    | no: promoting      | back, then rolled-back   | no: frozen  | no: no gate        | no: busy             | no: frozen | unfreezes
baking by weight, paused  | no: paused     | resumes        | no: frozen    | no: frozen    | no: promoting      | back, then rolled-back   | no: frozen  | no: no gate        | no: busy             | no: frozen | unfreezes
returning, preflight      | pauses         | no: not paused | no: preflight | no: preflight | back, then aborted | no: returning            | no: no gate | no: no gate        | no: busy             | no: frozen | unfreezes
returning, swapping       | no: swap       | no: not paused | no: promoting | no: promoting | no: promoting      | no: returning            | no: no gate | no: no gate        | no: busy             | no: frozen | unfreezes
zeroing                   | no: going back | no: going back | no: frozen    | no: frozen    | no: going back     | no: going back           | no: frozen  | no: going back     | no: busy             | no: frozen | unfreezes
swapping back, not begun  | no: going back | no: going back | no: frozen    | no: frozen    | no: going back     | no: going back           | no: frozen  | no: going back     | no: busy             | no: frozen | unfreezes
swapping back             | no: going back | no: going back | no: frozen    | no: frozen    | no: going back     | no: going back           | no: frozen  | no: going back     | no: busy             | no: frozen | unfreezes
settling                  | no: going back | no: going back | no: frozen    | no: frozen    | no: going back     | no: going back           | no: frozen  | no: going back     | no: busy             | no: frozen | unfreezes
"""
"""The same while the application is frozen."""

OVERRIDES_FOR_ONE_THAT_WAITS = """
situation      | pause       | resume      | promote     | skip        | abort        | rollback                      | approve     | reject      | retry    | freeze     | unfreeze
idle           | no: pending | no: pending | no: pending | no: pending | ends aborted | no: pending                   | no: pending | no: pending | no: busy | no: frozen | unfreezes, starts
after success  | no: pending | no: pending | no: pending | no: pending | ends aborted | ends aborted, returns, starts | no: pending | no: pending | no: busy | no: frozen | unfreezes, starts
after a return | no: pending | no: pending | no: pending | no: pending | ends aborted | no: pending                   | no: pending | no: pending | no: busy | no: frozen | unfreezes, starts
after rollback | no: pending | no: pending | no: pending | no: pending | ends aborted | no: pending                   | no: pending | no: pending | no: busy | no: frozen | unfreezes, starts
after abort    | no: pending | no: pending | no: pending | no: pending | ends aborted | no: pending                   | no: pending | no: pending | no: busy | no: frozen | unfreezes, starts
after failure  | no: pending | no: pending | no: pending | no: pending | ends aborted | no: pending                   | no: pending | no: pending | no: busy | no: frozen | unfreezes, starts
"""
"""No rollout is live, and one waits for the end of a freeze."""

DEPLOYMENTS = """
situation                 | queue, same version | queue, another  | supersede, same version     | supersede, another          | reject, same version | reject, another
not registered            | no: no spec         | no: no spec     | no: no spec                 | no: no spec                 | no: no spec          | no: no spec
idle                      | accepts, starts     | accepts, starts | accepts, starts             | accepts, starts             | accepts, starts      | accepts, starts
after success             | no: coming          | accepts, starts | no: coming                  | accepts, starts             | no: coming           | accepts, starts
after a return            | accepts, starts     | accepts, starts | accepts, starts             | accepts, starts             | accepts, starts      | accepts, starts
after rollback            | accepts, starts     | accepts, starts | accepts, starts             | accepts, starts             | accepts, starts      | accepts, starts
after abort               | accepts, starts     | accepts, starts | accepts, starts             | accepts, starts             | accepts, starts      | accepts, starts
after failure             | accepts, starts     | accepts, starts | accepts, starts             | accepts, starts             | accepts, starts      | accepts, starts
preflight                 | no: coming          | accepts         | no: coming                  | accepts, back, then aborted | no: coming           | no: reject
preflight, paused         | no: coming          | accepts         | no: coming                  | accepts, back, then aborted | no: coming           | no: reject
gate before any weight    | no: coming          | accepts         | no: coming                  | accepts, back, then aborted | no: coming           | no: reject
shifting                  | no: coming          | accepts         | no: coming                  | accepts, back, then aborted | no: coming           | no: reject
shifting, paused          | no: coming          | accepts         | no: coming                  | accepts, back, then aborted | no: coming           | no: reject
baking                    | no: coming          | accepts         | no: coming                  | accepts, back, then aborted | no: coming           | no: reject
baking, paused            | no: coming          | accepts         | no: coming                  | accepts, back, then aborted | no: coming           | no: reject
baking, timed out         | no: coming          | accepts         | no: coming                  | accepts, back, then aborted | no: coming           | no: reject
gate                      | no: coming          | accepts         | no: coming                  | accepts, back, then aborted | no: coming           | no: reject
gate, paused              | no: coming          | accepts         | no: coming                  | accepts, back, then aborted | no: coming           | no: reject
gate, approved            | no: coming          | accepts         | no: coming                  | accepts, back, then aborted | no: coming           | no: reject
gate, approved, paused    | no: coming          | accepts         | no: coming                  | accepts, back, then aborted | no: coming           | no: reject
shifting from 5 %         | no: coming          | accepts         | no: coming                  | accepts, back, then aborted | no: coming           | no: reject
shifting from 5 %, paused | no: coming          | accepts         | no: coming                  | accepts, back, then aborted | no: coming           | no: reject
swapping, not begun       | no: coming          | accepts         | no: coming                  | accepts                     | no: coming           | no: reject
swapping                  | no: coming          | accepts         | no: coming                  | accepts                     | no: coming           | no: reject
swapping, stuck           | no: coming          | accepts         | no: coming                  | accepts                     | no: coming           | no: reject
clearing                  | no: coming          | accepts         | no: coming                  | accepts                     | no: coming           | no: reject
promotion baking          | no: coming          | accepts         | no: coming                  | accepts                     | no: coming           | no: reject
promotion baking, paused  | no: coming          | accepts         | no: coming                  | accepts                     | no: coming           | no: reject
ending the promotion      | no: coming          | accepts         | no: coming                  | accepts                     | no: coming           | no: reject
hook                      | no: coming          | accepts         | no: coming                  | accepts, back, then aborted | no: coming           | no: reject
hook, paused              | no: coming          | accepts         | no: coming                  | accepts, back, then aborted | no: coming           | no: reject
promoting by weight       | no: coming          | accepts         | no: coming                  | accepts                     | no: coming           | no: reject
baking by weight          | no: coming          | accepts         | no: coming                  | accepts                     | no: coming           | no: reject
baking by weight, paused  | no: coming          | accepts         | no: coming                  | accepts                     | no: coming           | no: reject
returning, preflight      | accepts             | accepts         | accepts, back, then aborted | accepts, back, then aborted | no: reject           | no: reject
returning, swapping       | accepts             | accepts         | accepts                     | accepts                     | no: reject           | no: reject
zeroing                   | accepts             | accepts         | accepts                     | accepts                     | no: reject           | no: reject
swapping back, not begun  | accepts             | accepts         | accepts                     | accepts                     | no: reject           | no: reject
swapping back             | accepts             | accepts         | accepts                     | accepts                     | no: reject           | no: reject
settling                  | accepts             | accepts         | accepts                     | accepts                     | no: reject           | no: reject
"""
"""A deployment of the version that is live or was last, and of another one, by `whenBusy`."""

DEPLOYMENTS_BESIDE_ONE_THAT_WAITS = """
situation                 | queue, same version   | queue, another        | supersede, same version | supersede, another    | reject, same version | reject, another
preflight                 | no: coming            | ends aborted, accepts | ends aborted, accepts   | ends aborted, accepts | no: coming           | no: reject
preflight, paused         | no: coming            | ends aborted, accepts | ends aborted, accepts   | ends aborted, accepts | no: coming           | no: reject
gate before any weight    | no: coming            | ends aborted, accepts | ends aborted, accepts   | ends aborted, accepts | no: coming           | no: reject
shifting                  | no: coming            | ends aborted, accepts | ends aborted, accepts   | ends aborted, accepts | no: coming           | no: reject
shifting, paused          | no: coming            | ends aborted, accepts | ends aborted, accepts   | ends aborted, accepts | no: coming           | no: reject
baking                    | no: coming            | ends aborted, accepts | ends aborted, accepts   | ends aborted, accepts | no: coming           | no: reject
baking, paused            | no: coming            | ends aborted, accepts | ends aborted, accepts   | ends aborted, accepts | no: coming           | no: reject
baking, timed out         | no: coming            | ends aborted, accepts | ends aborted, accepts   | ends aborted, accepts | no: coming           | no: reject
gate                      | no: coming            | ends aborted, accepts | ends aborted, accepts   | ends aborted, accepts | no: coming           | no: reject
gate, paused              | no: coming            | ends aborted, accepts | ends aborted, accepts   | ends aborted, accepts | no: coming           | no: reject
gate, approved            | no: coming            | ends aborted, accepts | ends aborted, accepts   | ends aborted, accepts | no: coming           | no: reject
gate, approved, paused    | no: coming            | ends aborted, accepts | ends aborted, accepts   | ends aborted, accepts | no: coming           | no: reject
shifting from 5 %         | no: coming            | ends aborted, accepts | ends aborted, accepts   | ends aborted, accepts | no: coming           | no: reject
shifting from 5 %, paused | no: coming            | ends aborted, accepts | ends aborted, accepts   | ends aborted, accepts | no: coming           | no: reject
swapping, not begun       | no: coming            | ends aborted, accepts | no: coming              | ends aborted, accepts | no: coming           | no: reject
swapping                  | no: coming            | ends aborted, accepts | no: coming              | ends aborted, accepts | no: coming           | no: reject
swapping, stuck           | no: coming            | ends aborted, accepts | no: coming              | ends aborted, accepts | no: coming           | no: reject
clearing                  | no: coming            | ends aborted, accepts | no: coming              | ends aborted, accepts | no: coming           | no: reject
promotion baking          | no: coming            | ends aborted, accepts | no: coming              | ends aborted, accepts | no: coming           | no: reject
promotion baking, paused  | no: coming            | ends aborted, accepts | no: coming              | ends aborted, accepts | no: coming           | no: reject
ending the promotion      | no: coming            | ends aborted, accepts | no: coming              | ends aborted, accepts | no: coming           | no: reject
hook                      | no: coming            | ends aborted, accepts | ends aborted, accepts   | ends aborted, accepts | no: coming           | no: reject
hook, paused              | no: coming            | ends aborted, accepts | ends aborted, accepts   | ends aborted, accepts | no: coming           | no: reject
promoting by weight       | no: coming            | ends aborted, accepts | no: coming              | ends aborted, accepts | no: coming           | no: reject
baking by weight          | no: coming            | ends aborted, accepts | no: coming              | ends aborted, accepts | no: coming           | no: reject
baking by weight, paused  | no: coming            | ends aborted, accepts | no: coming              | ends aborted, accepts | no: coming           | no: reject
returning, preflight      | ends aborted, accepts | ends aborted, accepts | ends aborted, accepts   | ends aborted, accepts | no: reject           | no: reject
returning, swapping       | ends aborted, accepts | ends aborted, accepts | ends aborted, accepts   | ends aborted, accepts | no: reject           | no: reject
zeroing                   | ends aborted, accepts | ends aborted, accepts | ends aborted, accepts   | ends aborted, accepts | no: reject           | no: reject
swapping back, not begun  | ends aborted, accepts | ends aborted, accepts | ends aborted, accepts   | ends aborted, accepts | no: reject           | no: reject
swapping back             | ends aborted, accepts | ends aborted, accepts | ends aborted, accepts   | ends aborted, accepts | no: reject           | no: reject
settling                  | ends aborted, accepts | ends aborted, accepts | ends aborted, accepts   | ends aborted, accepts | no: reject           | no: reject
"""
"""The same while version 3 waits its turn: it gives way to what is newer."""

ALERTS = """
situation                 | rollback, fired               | rollback, resolved | pause, fired  | pause, resolved | note, fired | note, resolved
not registered            | notes                         | notes              | notes         | notes           | notes       | notes
idle                      | notes                         | notes              | notes         | notes           | notes       | notes
after success             | notes                         | notes              | notes         | notes           | notes       | notes
after a return            | notes                         | notes              | notes         | notes           | notes       | notes
after rollback            | notes                         | notes              | notes         | notes           | notes       | notes
after abort               | notes                         | notes              | notes         | notes           | notes       | notes
after failure             | notes                         | notes              | notes         | notes           | notes       | notes
preflight                 | notes, back, then rolled-back | notes              | notes, pauses | notes           | notes       | notes
preflight, paused         | notes, back, then rolled-back | notes              | notes         | notes           | notes       | notes
gate before any weight    | notes, back, then rolled-back | notes              | notes, pauses | notes           | notes       | notes
shifting                  | notes, back, then rolled-back | notes              | notes, pauses | notes           | notes       | notes
shifting, paused          | notes, back, then rolled-back | notes              | notes         | notes           | notes       | notes
baking                    | notes, back, then rolled-back | notes              | notes, pauses | notes           | notes       | notes
baking, paused            | notes, back, then rolled-back | notes              | notes         | notes           | notes       | notes
baking, timed out         | notes, back, then rolled-back | notes              | notes         | notes           | notes       | notes
gate                      | notes, back, then rolled-back | notes              | notes, pauses | notes           | notes       | notes
gate, paused              | notes, back, then rolled-back | notes              | notes         | notes           | notes       | notes
gate, approved            | notes, back, then rolled-back | notes              | notes, pauses | notes           | notes       | notes
gate, approved, paused    | notes, back, then rolled-back | notes              | notes         | notes           | notes       | notes
shifting from 5 %         | notes, back, then rolled-back | notes              | notes, pauses | notes           | notes       | notes
shifting from 5 %, paused | notes, back, then rolled-back | notes              | notes         | notes           | notes       | notes
swapping, not begun       | notes, back, then rolled-back | notes              | notes         | notes           | notes       | notes
swapping                  | notes, back, then rolled-back | notes              | notes         | notes           | notes       | notes
swapping, stuck           | notes, back, then rolled-back | notes              | notes         | notes           | notes       | notes
clearing                  | notes, back, then rolled-back | notes              | notes         | notes           | notes       | notes
promotion baking          | notes, back, then rolled-back | notes              | notes, pauses | notes           | notes       | notes
promotion baking, paused  | notes, back, then rolled-back | notes              | notes         | notes           | notes       | notes
ending the promotion      | notes, back, then rolled-back | notes              | notes         | notes           | notes       | notes
hook                      | notes, back, then rolled-back | notes              | notes, pauses | notes           | notes       | notes
hook, paused              | notes, back, then rolled-back | notes              | notes         | notes           | notes       | notes
promoting by weight       | notes, back, then rolled-back | notes              | notes, pauses | notes           | notes       | notes
baking by weight          | notes, back, then rolled-back | notes              | notes, pauses | notes           | notes       | notes
baking by weight, paused  | notes, back, then rolled-back | notes              | notes         | notes           | notes       | notes
returning, preflight      | notes                         | notes              | notes         | notes           | notes       | notes
returning, swapping       | notes                         | notes              | notes         | notes           | notes       | notes
zeroing                   | notes                         | notes              | notes         | notes           | notes       | notes
swapping back, not begun  | notes                         | notes              | notes         | notes           | notes       | notes
swapping back             | notes                         | notes              | notes         | notes           | notes       | notes
settling                  | notes                         | notes              | notes         | notes           | notes       | notes
"""
"""An alert, by what the spec says of alerts; the same while frozen."""

ANSWERS = """
situation                 | weight set                      | set, earlier level | set, but still 5 %     | swap begun | begun, earlier level | swap not needed                | not needed, earlier level | failed      | failed 5 times     | no answer   | refused                        | not yet     | done      | unknown row
shifting                  | weight is there, bakes          | -                  | weight is there, bakes |            |                      |                                |                           | tries again | tries again, stuck | tries again | tries again, back, then failed | tries again | -         | -
shifting, paused          | weight is there, bakes          | -                  | weight is there, bakes |            |                      |                                |                           | tries again | tries again, stuck | tries again | tries again, back, then failed | tries again | -         | -
shifting from 5 %         | weight is there, bakes          | -                  | tries again            |            |                      |                                |                           | tries again | tries again, stuck | tries again | tries again, back, then failed | tries again | -         | -
shifting from 5 %, paused | weight is there, bakes          | -                  | tries again            |            |                      |                                |                           | tries again | tries again, stuck | tries again | tries again, back, then failed | tries again | -         | -
swapping, not begun       |                                 |                    |                        | swap begun | swap begun           | production verified            | -                         | tries again | tries again, stuck | tries again | tries again, back, then failed | tries again | -         | -
swapping, stuck           |                                 |                    |                        | swap begun | swap begun           | not stuck, production verified | not stuck                 | tries again | tries again        | tries again | tries again, back, then failed | tries again | not stuck | -
clearing                  | weight is there, bakes          | -                  | weight is there, bakes |            |                      |                                |                           | tries again | tries again, stuck | tries again | tries again, back, then failed | tries again | -         | -
ending the promotion      | weight is there, ends succeeded | -                  | tries again            |            |                      |                                |                           | tries again | tries again, stuck | tries again | tries again, stuck             | tries again | -         | -
promoting by weight       | weight is there, bakes          | -                  | tries again            |            |                      |                                |                           | tries again | tries again, stuck | tries again | tries again, back, then failed | tries again | -         | -
zeroing                   | weight is there, zero reached   | -                  | tries again            |            |                      |                                |                           | tries again | tries again, stuck | tries again | tries again, stuck             | tries again | -         | -
swapping back, not begun  |                                 |                    |                        | swap begun | swap begun           | production verified            | -                         | tries again | tries again, stuck | tries again | tries again, stuck             | tries again | -         | -
settling                  | weight is there                 | -                  | tries again            |            |                      |                                |                           | tries again | tries again, stuck | tries again | tries again, stuck             | tries again | -         | -
"""
"""What an effect answers; the same while frozen."""

LOOKS = """
situation                 | at once | all well                        | degraded                        | no requests                     | overwritten                           | unreadable | for a day, rollback                     | for a day, pause
not registered            | -       | -                               | -                               | -                               | -                                     | -          | -                                       | -
idle                      | -       | -                               | -                               | -                               | -                                     | -          | -                                       | -
after success             | -       | counts the pinned               | counts the pinned               | counts the pinned               | counts the pinned                     | -          | lets the old one go, counts the pinned  | lets the old one go, counts the pinned
after a return            | -       | -                               | -                               | -                               | -                                     | -          | -                                       | -
after rollback            | -       | counts the pinned               | counts the pinned               | counts the pinned               | counts the pinned                     | -          | counts the pinned                       | counts the pinned
after abort               | -       | counts the pinned               | counts the pinned               | counts the pinned               | counts the pinned                     | -          | counts the pinned                       | counts the pinned
after failure             | -       | -                               | -                               | -                               | -                                     | -          | -                                       | -
preflight                 | -       | preflight passes, shifts to 5 % | preflight passes, shifts to 5 % | preflight passes, shifts to 5 % | -                                     | -          | back, then failed                       | back, then failed
preflight, paused         | -       | -                               | -                               | -                               | -                                     | -          | reminds                                 | reminds
gate before any weight    | -       | -                               | -                               | -                               | -                                     | -          | back, then failed                       | pauses
shifting                  | -       | -                               | -                               | -                               | -                                     | -          | back, then failed                       | pauses
shifting, paused          | -       | -                               | -                               | -                               | -                                     | -          | reminds                                 | reminds
baking                    | -       | step passes, asks a person      | back, then rolled-back          | -                               | candidate replaced, back, then failed | -          | back, then failed                       | pauses
baking, paused            | -       | -                               | back, then rolled-back          | -                               | candidate replaced, back, then failed | -          | reminds                                 | reminds
baking, timed out         | -       | -                               | back, then rolled-back          | -                               | candidate replaced, back, then failed | -          | reminds                                 | reminds
gate                      | -       | -                               | back, then rolled-back          | -                               | candidate replaced, back, then failed | -          | back, then failed                       | pauses
gate, paused              | -       | -                               | back, then rolled-back          | -                               | candidate replaced, back, then failed | -          | reminds                                 | reminds
gate, approved            | -       | shifts to 50 %                  | back, then rolled-back          | shifts to 50 %                  | candidate replaced, back, then failed | -          | back, then failed                       | pauses
gate, approved, paused    | -       | -                               | back, then rolled-back          | -                               | candidate replaced, back, then failed | -          | reminds                                 | reminds
shifting from 5 %         | -       | -                               | back, then rolled-back          | -                               | candidate replaced, back, then failed | -          | back, then failed                       | pauses
shifting from 5 %, paused | -       | -                               | back, then rolled-back          | -                               | candidate replaced, back, then failed | -          | reminds                                 | reminds
swapping, not begun       | -       | -                               | back, then rolled-back          | -                               | candidate replaced, back, then failed | -          | back, then failed                       | stuck
swapping                  | -       | production verified             | production verified             | production verified             | production verified                   | -          | back, then failed                       | stuck
swapping, stuck           | -       | -                               | back, then rolled-back          | -                               | candidate replaced, back, then failed | -          | back, then failed                       | stuck
clearing                  | -       | -                               | back, then rolled-back          | -                               | candidate replaced, back, then failed | -          | back, then failed                       | stuck
promotion baking          | -       | step passes, holds nobody back  | back, then rolled-back          | -                               | candidate replaced, back, then failed | -          | back, then failed                       | pauses
promotion baking, paused  | -       | -                               | back, then rolled-back          | -                               | candidate replaced, back, then failed | -          | reminds                                 | reminds
ending the promotion      | -       | -                               | back, then rolled-back          | -                               | candidate replaced, back, then failed | -          | stuck                                   | stuck
hook                      | -       | hears                           | hears                           | hears                           | hears                                 | hears      | hears, has an answer, back, then failed | hears, has an answer, pauses
hook, paused              | -       | hears                           | hears                           | hears                           | hears                                 | hears      | reminds, hears                          | reminds, hears
promoting by weight       | -       | -                               | back, then rolled-back          | -                               | candidate replaced, back, then failed | -          | back, then failed                       | pauses
baking by weight          | -       | step passes, holds nobody back  | back, then rolled-back          | -                               | candidate replaced, back, then failed | -          | back, then failed                       | pauses
baking by weight, paused  | -       | -                               | back, then rolled-back          | -                               | candidate replaced, back, then failed | -          | reminds                                 | reminds
returning, preflight      | -       | preflight passes, swaps         | preflight passes, swaps         | preflight passes, swaps         | the old one is overwritten, back, then failed | -          | back, then failed                       | back, then failed
returning, swapping       | -       | production verified             | production verified             | production verified             | production verified                   | -          | back, then failed                       | stuck
zeroing                   | -       | -                               | -                               | -                               | -                                     | -          | stuck                                   | stuck
swapping back, not begun  | -       | -                               | -                               | -                               | -                                     | -          | stuck                                   | stuck
swapping back             | -       | production verified             | production verified             | production verified             | swap failed                           | -          | stuck                                   | stuck
settling                  | -       | ends rolled-back                | ends rolled-back                | ends rolled-back                | ends rolled-back                      | -          | stuck                                   | stuck
"""
"""A look after five minutes, or after a day."""

LOOKS_WHILE_FROZEN = """
situation                 | at once | all well                | degraded                | no requests             | overwritten                           | unreadable | for a day, rollback                             | for a day, pause
not registered            | -       | -                       | -                       | -                       | -                                     | -          | reminds                                         | reminds
idle                      | -       | -                       | -                       | -                       | -                                     | -          | reminds                                         | reminds
after success             | -       | counts the pinned       | counts the pinned       | counts the pinned       | counts the pinned                     | -          | reminds, lets the old one go, counts the pinned | reminds, lets the old one go, counts the pinned
after a return            | -       | -                       | -                       | -                       | -                                     | -          | reminds                                         | reminds
after rollback            | -       | counts the pinned       | counts the pinned       | counts the pinned       | counts the pinned                     | -          | reminds, counts the pinned                      | reminds, counts the pinned
after abort               | -       | counts the pinned       | counts the pinned       | counts the pinned       | counts the pinned                     | -          | reminds, counts the pinned                      | reminds, counts the pinned
after failure             | -       | -                       | -                       | -                       | -                                     | -          | reminds                                         | reminds
preflight                 | -       | -                       | -                       | -                       | -                                     | -          | reminds                                         | reminds
preflight, paused         | -       | -                       | -                       | -                       | -                                     | -          | reminds, reminds                                | reminds, reminds
gate before any weight    | -       | -                       | -                       | -                       | -                                     | -          | reminds                                         | reminds
shifting                  | -       | -                       | -                       | -                       | -                                     | -          | reminds                                         | reminds
shifting, paused          | -       | -                       | -                       | -                       | -                                     | -          | reminds, reminds                                | reminds, reminds
baking                    | -       | -                       | back, then rolled-back  | -                       | candidate replaced, back, then failed | -          | reminds                                         | reminds
baking, paused            | -       | -                       | back, then rolled-back  | -                       | candidate replaced, back, then failed | -          | reminds, reminds                                | reminds, reminds
baking, timed out         | -       | -                       | back, then rolled-back  | -                       | candidate replaced, back, then failed | -          | reminds, reminds                                | reminds, reminds
gate                      | -       | -                       | back, then rolled-back  | -                       | candidate replaced, back, then failed | -          | reminds                                         | reminds
gate, paused              | -       | -                       | back, then rolled-back  | -                       | candidate replaced, back, then failed | -          | reminds, reminds                                | reminds, reminds
gate, approved            | -       | -                       | back, then rolled-back  | -                       | candidate replaced, back, then failed | -          | reminds                                         | reminds
gate, approved, paused    | -       | -                       | back, then rolled-back  | -                       | candidate replaced, back, then failed | -          | reminds, reminds                                | reminds, reminds
shifting from 5 %         | -       | -                       | back, then rolled-back  | -                       | candidate replaced, back, then failed | -          | reminds                                         | reminds
shifting from 5 %, paused | -       | -                       | back, then rolled-back  | -                       | candidate replaced, back, then failed | -          | reminds, reminds                                | reminds, reminds
swapping, not begun       | -       | -                       | back, then rolled-back  | -                       | candidate replaced, back, then failed | -          | reminds                                         | reminds
swapping                  | -       | production verified     | production verified     | production verified     | production verified                   | -          | reminds                                         | reminds
swapping, stuck           | -       | -                       | back, then rolled-back  | -                       | candidate replaced, back, then failed | -          | reminds                                         | reminds
clearing                  | -       | -                       | back, then rolled-back  | -                       | candidate replaced, back, then failed | -          | reminds                                         | reminds
promotion baking          | -       | -                       | back, then rolled-back  | -                       | candidate replaced, back, then failed | -          | reminds                                         | reminds
promotion baking, paused  | -       | -                       | back, then rolled-back  | -                       | candidate replaced, back, then failed | -          | reminds, reminds                                | reminds, reminds
ending the promotion      | -       | -                       | back, then rolled-back  | -                       | candidate replaced, back, then failed | -          | reminds                                         | reminds
hook                      | -       | hears                   | hears                   | hears                   | hears                                 | hears      | reminds, hears                                  | reminds, hears
hook, paused              | -       | hears                   | hears                   | hears                   | hears                                 | hears      | reminds, reminds, hears                         | reminds, reminds, hears
promoting by weight       | -       | -                       | back, then rolled-back  | -                       | candidate replaced, back, then failed | -          | reminds                                         | reminds
baking by weight          | -       | -                       | back, then rolled-back  | -                       | candidate replaced, back, then failed | -          | reminds                                         | reminds
baking by weight, paused  | -       | -                       | back, then rolled-back  | -                       | candidate replaced, back, then failed | -          | reminds, reminds                                | reminds, reminds
returning, preflight      | -       | preflight passes, swaps | preflight passes, swaps | preflight passes, swaps | the old one is overwritten, back, then failed | -          | reminds, back, then failed                      | reminds, back, then failed
returning, swapping       | -       | production verified     | production verified     | production verified     | production verified                   | -          | reminds, back, then failed                      | reminds, stuck
zeroing                   | -       | -                       | -                       | -                       | -                                     | -          | reminds, stuck                                  | reminds, stuck
swapping back, not begun  | -       | -                       | -                       | -                       | -                                     | -          | reminds, stuck                                  | reminds, stuck
swapping back             | -       | production verified     | production verified     | production verified     | swap failed                           | -          | reminds, stuck                                  | reminds, stuck
settling                  | -       | ends rolled-back        | ends rolled-back        | ends rolled-back        | ends rolled-back                      | -          | reminds, stuck                                  | reminds, stuck
"""
"""The same while the application is frozen."""
