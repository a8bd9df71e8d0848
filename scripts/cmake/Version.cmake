# The version stands once, in project(). A checkout adds what `git describe` says of it.
set(MTH5_BUILD_ID "${PROJECT_VERSION}")
find_package(Git QUIET)
if(GIT_FOUND AND EXISTS ${PROJECT_SOURCE_DIR}/.git)
  execute_process(COMMAND ${GIT_EXECUTABLE} describe --always --dirty
                  WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE
                  ERROR_QUIET RESULT_VARIABLE described_status)
  if(described_status EQUAL 0)
    set(MTH5_BUILD_ID "${PROJECT_VERSION}+${described}")
  endif()
endif()
configure_file(${PROJECT_SOURCE_DIR}/scripts/cmake/build_version.hpp.in ${PROJECT_BINARY_DIR}/generated/build_version.hpp)
