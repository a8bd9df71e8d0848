# Warnings and sanitizers as interface targets of the build alone: nothing here reaches an installed target.
add_library(mth5_flags INTERFACE)
target_compile_options(mth5_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual
  $<$<BOOL:${MTH5_WERROR}>:-Werror>)
# What is installed does not say where it was built, debug information included; a debugger started in the source folder finds the sources.
target_compile_options(mth5_flags INTERFACE $<$<NOT:$<CONFIG:Debug>>:-ffile-prefix-map=${PROJECT_SOURCE_DIR}=.>)
# GCC 12 sees overlaps in std::string's operator+ that cannot be, where it optimizes.
target_compile_options(mth5_flags INTERFACE $<$<AND:$<CXX_COMPILER_ID:GNU>,$<NOT:$<CONFIG:Debug>>>:-Wno-restrict>)
if(MTH5_SANITIZE)
  target_compile_options(mth5_flags INTERFACE -fsanitize=${MTH5_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(mth5_flags INTERFACE -fsanitize=${MTH5_SANITIZE})
  if(MTH5_SANITIZE MATCHES undefined)
    # A sixth of the time to compile for what ASan reports as well, at its own signal: a null pointer, an access behind an object.
    target_compile_options(mth5_flags INTERFACE -fno-sanitize=null,object-size)
  endif()
  if(MTH5_SANITIZE MATCHES thread)
    target_compile_options(mth5_flags INTERFACE -Wno-tsan) # Asio 1.74 has fences, which GCC's TSan does not model
  endif()
endif()
if(MTH5_COVERAGE)
  target_compile_options(mth5_flags INTERFACE --coverage)
  target_link_options(mth5_flags INTERFACE --coverage)
endif()

# unity_build(TARGET): where MTH5_UNITY is set, its files are compiled some at a time, which reads their headers once for all of them. For
# builds from nothing, as in CI; who changes a file and builds again waits longer for it.
function(unity_build target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${MTH5_UNITY} UNITY_BUILD_BATCH_SIZE 8)
endfunction()
