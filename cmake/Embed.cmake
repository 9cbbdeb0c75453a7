# embed_texts(OUT.cpp NAMESPACE FUNCTION file...): a C++ file with the texts inside, so that the
# program needs no files beside it. `FUNCTION()` gives {name, text} pairs by file name.
#
# Called at build time: cmake -DOUT=… -DNAMESPACE=… -DFUNCTION=… -DFILES=a;b -P Embed.cmake
set(code "#include <span>\n#include <string_view>\n#include <utility>\n\nnamespace ${NAMESPACE} {\n\n")
string(APPEND code "std::span<const std::pair<std::string_view, std::string_view>> ${FUNCTION}() {\n")
string(APPEND code "  static constexpr std::pair<std::string_view, std::string_view> kTexts[] = {\n")
foreach(file ${FILES})
  get_filename_component(name ${file} NAME_WE)
  file(READ ${file} text)
  string(APPEND code "      {\"${name}\", R\"~tenon~(${text})~tenon~\"},\n")
endforeach()
string(APPEND code "  };\n  return kTexts;\n}\n\n}  // namespace ${NAMESPACE}\n")
file(WRITE ${OUT} "${code}")
