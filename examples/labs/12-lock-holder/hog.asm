; Lab 12: a guest that computes for ever.

%pragma ringside mode protected
%pragma ringside technique vtx-ept
%pragma ringside memory 4

        org 8000h
        bits 32

again:  jmp again
