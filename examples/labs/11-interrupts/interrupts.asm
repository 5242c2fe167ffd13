; Lab 11: interrupts and injection. Each function is called for one kind of exit and returns to have the guest go on.

; Before the guest runs: which exceptions leave it (EXCEPTION_BITMAP)?
setup:  ret

; Exit reason 1: the timer has interrupted the machine. The guest is to get interrupt TIMER, when it can take it.
on_interrupt:
        ret

; Exit reason 7: the guest can take an interrupt now (interrupt window).
on_window:
        ret

; Exit reason 12: HLT with interrupts on. The guest is to wait until it gets an interrupt.
on_halt:
        jmp vmx_skip

; Exit reason 0: an exception. The guest is to get it.
on_exception:
        ret

; Exit reason 48: an EPT violation; the page is there now. Was something being delivered to the guest?
on_violation:
        ret
