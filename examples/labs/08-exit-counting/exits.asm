; Lab 8: what a processor can do, and what a guest costs.

; Part 1. For each row of `controls`: its name, then whether the control can be 1, and whether it can be 0:
;   HLT exiting                     1: yes  0: yes
report_capabilities:
        ret

; Part 2. An exit has begun, with the basic exit reason in EAX; the guest's registers are in guest_registers.
exit_begins:
        ret

; The same exit has been handled, and the guest is about to go on.
exit_ends:
        ret

; The guest has executed CPUID with EAX = 4FFFFFFCh to 4FFFFFFFh; change guest_registers.
counter_leaf:
        ret
