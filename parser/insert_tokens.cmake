# cmake -DGRAMMAR=grammar.yy -DTOKENS=tokens.def -DOUT=out.yy -P insert_tokens.cmake
#
# Bison cannot include files, so this writes a copy of the grammar in which the line `//<tokens>` is
# replaced by a line `%token T_name code "text"` for each row of tokens.def. The code is the row's
# number, which is its TokenKind.
file(READ ${GRAMMAR} grammar)
file(READ ${TOKENS} rest)

# No CMake lists here: `;`, `[` and `]` among the tokens would break them.
set(lines "")
set(code 0)
while(rest MATCHES "\nTOKEN\\(([a-z0-9_]+), *\"([^\"]+)\"")
  string(APPEND lines "%token T_${CMAKE_MATCH_1} ${code} \"${CMAKE_MATCH_2}\"\n")
  math(EXPR code "${code} + 1")
  string(FIND "${rest}" "${CMAKE_MATCH_0}" at)
  string(LENGTH "${CMAKE_MATCH_0}" length)
  math(EXPR behind "${at} + ${length}")
  string(SUBSTRING "${rest}" ${behind} -1 rest)
endwhile()

string(FIND "${grammar}" "//<tokens>" at)
string(SUBSTRING "${grammar}" 0 ${at} before)
string(REGEX REPLACE "[^\n]" "" line_breaks "${before}")
string(LENGTH "${line_breaks}" line)
math(EXPR line "${line} + 2")  # what follows keeps its line numbers in Bison's messages
string(REPLACE "//<tokens>" "${lines}#line ${line} \"${GRAMMAR}\"" grammar "${grammar}")
file(WRITE ${OUT} "#line 1 \"${GRAMMAR}\"\n${grammar}")
