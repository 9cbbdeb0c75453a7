# tenon_folder(NAME LESSON n [USES folder...]): the library of one folder, built from lesson n on.
#
# Folders include each other as "folder/file.h" from the root. What a folder may include is what
# USES names (and what those use); tests/unit/folders_test.cpp reads these lines and checks every
# #include against them.

find_package(fmt REQUIRED)

# The flags of our own code; third-party headers are SYSTEM and stay silent.
add_library(tenon_options INTERFACE)
target_compile_options(tenon_options INTERFACE
  -Wall -Wextra
  -ffp-contract=off)  # the compiler's own arithmetic is the language's: no fused multiply-add
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # False alarms of g++ 12: GCC bugs 105651 and 105562.
  target_compile_options(tenon_options INTERFACE -Wno-restrict -Wno-maybe-uninitialized)
endif()
target_include_directories(tenon_options INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
target_link_libraries(tenon_options INTERFACE fmt::fmt)
if(TENON_SANITIZE)
  target_compile_options(tenon_options INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g)
  target_link_options(tenon_options INTERFACE -fsanitize=address,undefined)
endif()

# What a program that compiles links: passes make and drop small vectors without end, and with glibc's
# malloc they take twice as long on large functions (bench/README.md). Sanitizers bring their own.
add_library(tenon_allocator INTERFACE)
if(NOT TENON_SANITIZE)
  find_library(TENON_JEMALLOC jemalloc REQUIRED)
  target_link_libraries(tenon_allocator INTERFACE ${TENON_JEMALLOC})
endif()

if(TENON_LIBFUZZER)  # by scripts/fuzz-files.sh
  target_compile_options(tenon_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

function(tenon_folder name)
  cmake_parse_arguments(arg "" "LESSON" "USES" ${ARGN})
  if(arg_LESSON GREATER TENON_UPTO)
    return()
  endif()
  # A folder's CMakeLists.txt calls add_library(tenon_NAME ...) with its sources.
  add_subdirectory(${name})
  target_link_libraries(tenon_${name} PUBLIC tenon_options)
  foreach(used ${arg_USES})
    if(TARGET tenon_${used})
      target_link_libraries(tenon_${name} PUBLIC tenon_${used})
    endif()
  endforeach()
endfunction()

# tenon_source(OUT path): sets OUT to a source file, which an exercise may replace by the student's:
# `cmake -DTENON_REPLACE_lexer_scanner_re=my/01/scanner.re` builds lexer/scanner.re from there.
# (Dots, dashes and slashes of the path are written _.)
function(tenon_source out path)
  string(REGEX REPLACE "[/.-]" "_" key ${path})
  if(TENON_REPLACE_${key})
    get_filename_component(file ${TENON_REPLACE_${key}} ABSOLUTE BASE_DIR ${CMAKE_SOURCE_DIR})
    set_property(GLOBAL APPEND PROPERTY TENON_REPLACED ${path})
    message(STATUS "${path} is replaced by ${TENON_REPLACE_${key}}")
  else()
    set(file ${CMAKE_SOURCE_DIR}/${path})
  endif()
  set(${out} ${file} PARENT_SCOPE)
endfunction()

# tenon_embed(OUT.cpp NAMESPACE FUNCTION file...): makes a C++ file with the texts inside
# (Embed.cmake), so that the program needs no files beside it.
function(tenon_embed out namespace function)
  set(files ${ARGN})
  add_custom_command(OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DNAMESPACE=${namespace} -DFUNCTION=${function}
            "-DFILES=${files}" -P ${CMAKE_SOURCE_DIR}/cmake/Embed.cmake
    DEPENDS ${files} ${CMAKE_SOURCE_DIR}/cmake/Embed.cmake
    VERBATIM)
endfunction()
