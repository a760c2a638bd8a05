/* One source, many modules: each wrong in the one field that its build defines differently (see
 * CMakeLists.txt). Everything that is not defined is as it should be. */
#include <cstddef>

#include "cleave/abi.h"

#ifndef MAGIC
#define MAGIC CLEAVE_MAGIC
#endif
#ifndef ABI
#define ABI CLEAVE_ABI
#endif
#ifndef SIZE
#define SIZE sizeof(cleave_module)
#endif
#ifndef FLAGS
#define FLAGS 0
#endif
#ifndef NAME
#define NAME "sound"
#endif
#ifndef VERSION
#define VERSION "1.0.0"
#endif
#ifndef PATH
#define PATH nullptr
#endif
#ifndef DEPENDS_ON
#define DEPENDS_ON nullptr
#endif
#ifndef CONFIG_KEYS
#define CONFIG_KEYS nullptr
#endif
#ifndef BACKGROUND
#define BACKGROUND nullptr, 0
#endif
#ifndef ENTRY
#define ENTRY cleave_module_v1
#endif
#ifndef HANDLE
#define HANDLE handle
#endif

namespace {

int anything;
const char* const kDependsOn[] = {DEPENDS_ON, nullptr};
const char* const kConfigKeys[] = {CONFIG_KEYS, nullptr};

void* create(const cleave_host*) {
  return &anything;
}
int start(void*) {
  return 0;
}
int ready(void*) {
  return 1;
}
[[maybe_unused]] void handle(void*, const cleave_request*, const cleave_sink* sink) {
  sink->status(sink->self, 204);
}
void stop(void*) {}
[[maybe_unused]] int background(void*) {
  return 0;
}
void destroy(void*) {}

const cleave_module kModule = {MAGIC,   ABI,     SIZE,  FLAGS,  NAME, VERSION, PATH,
#ifdef NO_LISTS
                               nullptr, nullptr,
#else
                               kDependsOn, kConfigKeys,
#endif
                               create,  start,   ready, HANDLE, stop, destroy, BACKGROUND};

}  // namespace

extern "C" CLEAVE_EXPORT const cleave_module* ENTRY() {
#ifdef NULL_STRUCT
  return nullptr;
#elif defined(THROWS)
  throw 1;
#else
  return &kModule;
#endif
}

#ifdef SECOND_SYMBOL
extern "C" CLEAVE_EXPORT int helper() {
  return 1;
}
#endif

#ifdef UNDEFINED_SYMBOL
extern "C" int nobody_has_this();
extern "C" int calls_it() {
  return nobody_has_this();
}
#endif

#ifdef CRASHES
#include <csignal>
__attribute__((constructor)) static void crash() {
  raise(SIGKILL);
}
#endif
#ifdef EXITS
#include <unistd.h>
__attribute__((constructor)) static void leave() {
  _exit(7);
}
#endif
#ifdef HANGS
#include <unistd.h>
__attribute__((constructor)) static void hang() {
  while (true) pause();
}
#endif

#ifdef FORBIDDEN
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
extern "C" __attribute__((used)) int reaches_out() {
  std::FILE* file = std::fopen("/etc/hostname", "r");
  return file != nullptr && std::system("true") == 0 ? socket(AF_INET, SOCK_STREAM, 0) : fork();
}
#endif

#ifdef FOREIGN_SQL
extern "C" __attribute__((used)) const char* statement(int which) {
  static const char* const kStatements[] = {
      "SELECT id FROM mine WHERE id = $1",
      "WITH recent AS (SELECT id FROM mine) SELECT count(*) FROM recent r, theirs t",
  };
  return kStatements[which & 1];
}
#endif
