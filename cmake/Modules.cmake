# cleave_module(NAME sources…): one service module.
#
# Builds modules/NAME.so, which lets out one symbol and leans on nothing that it was not given, and
# NAME_objects, the same objects for unit tests: what is tested is what ships, compiled once.

set(CLEAVE_MODULE_MAP ${CMAKE_CURRENT_LIST_DIR}/module.map)

function(cleave_module name)
  add_library(${name}_objects OBJECT ${ARGN})
  target_compile_options(${name}_objects PRIVATE -fvisibility=hidden -fvisibility-inlines-hidden)
  target_link_libraries(${name}_objects PUBLIC cleave_sdk nlohmann_json::nlohmann_json)
  target_include_directories(${name}_objects PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
  cleave_shared_module(${name} $<TARGET_OBJECTS:${name}_objects>)
  target_link_libraries(${name} PRIVATE cleave_sdk)
  add_dependencies(modules ${name})
endfunction()

# The link half, for modules in plain C too. Extra arguments: sources or objects.
function(cleave_shared_module name)
  add_library(${name} MODULE ${ARGN})
  set_target_properties(${name} PROPERTIES PREFIX "" C_VISIBILITY_PRESET hidden
    CXX_VISIBILITY_PRESET hidden LINK_DEPENDS ${CLEAVE_MODULE_MAP})
  if(NOT CLEAVE_MODULE_OUTPUT)
    set(CLEAVE_MODULE_OUTPUT ${CMAKE_BINARY_DIR}/modules)
  endif()
  set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CLEAVE_MODULE_OUTPUT})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/include)
  target_link_options(${name} PRIVATE
    -Wl,--version-script=${CLEAVE_MODULE_MAP} -Wl,-z,now -Wl,-z,relro)
  if(NOT CLEAVE_SANITIZE MATCHES thread)  # TSan's runtime leaves symbols to the executable
    target_link_options(${name} PRIVATE -Wl,-z,defs)
  endif()
  # Under umask 002 the linker leaves it writable by the group, and the loader would refuse it.
  add_custom_command(TARGET ${name} POST_BUILD COMMAND chmod go-w $<TARGET_FILE:${name}>)
endfunction()
