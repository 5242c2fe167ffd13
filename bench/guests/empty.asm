; Starts and ends: what every measurement has in it besides its loop.
%include "start.inc"
begin:  mov eax, 1234h
        jmp finish
