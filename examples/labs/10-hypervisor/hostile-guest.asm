; The hypervisor of lab 10 with a guest that touches more of its own pages, and then memory that is not its own.

%strlen LENGTH "${pages}"
%if LENGTH = 2
%deftok FAR_PAGES "${pages}"            ; the student's own
%else
%define FAR_PAGES 12                    ; as the file stands here, before the value is filled in
%endif
%define HOSTILE
%include "hypervisor.asm"
