; The hypervisor of lab 10 with a guest that touches more of its own pages, and then memory that is not its own.
%define FAR_PAGES 9
%define HOSTILE
%include "hypervisor.asm"
