; The ticket lock of ticket-lock.asm with the help of KVM: who has spun for a while halts until it is kicked.

%define PARAVIRTUAL
%include "ticket-lock.asm"
