; Lab 8, part 3: a guest that leaves under VT-x with EPT at least 5 times as often as with shadow paging.

%pragma ringside mode protected
%pragma ringside memory 4

        org 8000h
        bits 32

        cli
        hlt
