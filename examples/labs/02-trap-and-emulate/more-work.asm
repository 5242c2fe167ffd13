; The kernel of lab 2 with a process that prints more lines and sleeps longer.

%define LINES 9
%strlen LENGTH "${ticks}"
%if LENGTH = 1
%deftok WANTED "${ticks}"               ; the student's own
%else
%define WANTED 4                        ; as the file stands here, before the value is filled in
%endif
%include "kernel.asm"
