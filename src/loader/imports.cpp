#include "loader/imports.hpp"

#include <algorithm>
#include <initializer_list>

namespace cleave::loader {
namespace {

struct Rule {
  const char* why;
  // A name that ends in '*' stands for all that begin so.
  std::initializer_list<std::string_view> names;
};

constexpr const char* kNetwork = "a module opens no socket; it reaches others through host.call";
constexpr const char* kWaiting = "it would hold the loop; a module waits only in its host's calls";
constexpr const char* kFiles =
    "a module opens no file; data goes through host.query, settings "
    "through host.config";
constexpr const char* kOutput = "a module writes no stream of the process; use host.log";
constexpr const char* kThreads =
    "a module starts no thread; work side by side goes through "
    "host.gather";
constexpr const char* kProcesses = "a module starts and ends no process";
constexpr const char* kLoading = "a module loads no library; link what it needs";
constexpr const char* kPostgres = "a module has no connection of its own; use host.query";
constexpr const char* kRedis = "a module has no connection of its own; use host.cached";
constexpr const char* kEnvironment =
    "the environment is the host's and holds others' secrets; use "
    "host.config";
constexpr const char* kProcessWide = "it changes the whole process, which is shared";

const Rule kRules[] = {
    {kNetwork,
     {"socket",     "socketpair", "connect",     "bind",           "listen",         "accept",
      "accept4",    "send",       "sendto",      "sendmsg",        "sendmmsg",       "recv",
      "recvfrom",   "recvmsg",    "recvmmsg",    "__recv_chk",     "__recvfrom_chk", "shutdown",
      "setsockopt", "getsockopt", "getaddrinfo", "gethostbyname*", "res_query",      "SSL_*"}},
    {kWaiting,
     {"poll",
      "ppoll",
      "__poll_chk",
      "__ppoll_chk",
      "select",
      "pselect",
      "epoll_*",
      "io_uring_*",
      "sleep",
      "usleep",
      "nanosleep",
      "clock_nanosleep",
      "pause",
      "pthread_cond_wait",
      "pthread_cond_timedwait",
      "pthread_cond_clockwait",
      "sem_wait",
      "sem_timedwait",
      "_ZNSt18condition_variable4wait*",
      "_ZNSt6thread4joinEv"}},
    {kFiles,
     {"open",
      "open64",
      "openat",
      "openat64",
      "open_by_handle_at",
      "__open_2",
      "__open64_2",
      "__openat_2",
      "__openat64_2",
      "creat",
      "creat64",
      "fopen",
      "fopen64",
      "freopen",
      "freopen64",
      "fdopen",
      "opendir",
      "fdopendir",
      "tmpfile",
      "tmpfile64",
      "mkstemp*",
      "mkdtemp",
      "unlink",
      "unlinkat",
      "rename",
      "renameat*",
      "remove",
      "mkdir",
      "mkdirat",
      "rmdir",
      "truncate*",
      "ftruncate*",
      "link",
      "symlink",
      "chmod",
      "chown",
      "read",
      "pread*",
      "__read_chk",
      "write",
      "pwrite*",
      "ioctl",
      "fcntl",
      "fcntl64",
      "shm_open",
      "memfd_create",
      "inotify_*",
      "_ZNSt13basic_filebuf*",
      "_ZNSt14basic_ifstream*",
      "_ZNSt14basic_ofstream*",
      "_ZNSt13basic_fstream*",
      "_ZNSt10filesystem*",
      "_ZNSt12__basic_file*"}},
    {kOutput, {"printf",       "vprintf",       "fprintf",       "vfprintf",       "dprintf",
               "__printf_chk", "__fprintf_chk", "__vprintf_chk", "__vfprintf_chk", "puts",
               "fputs",        "putchar",       "putc",          "fputc",          "fwrite",
               "perror",       "stdout",        "stderr",        "stdin",          "syslog",
               "__syslog_chk", "_ZSt4cout",     "_ZSt4cerr",     "_ZSt4clog",      "_ZSt3cin"}},
    {kThreads,
     {"pthread_create", "thrd_create", "clone", "_ZNSt6thread15_M_start_thread*",
      "_ZNSt6thread6detachEv"}},
    {kProcesses,
     {"fork",  "vfork", "_Fork",   "exec*",  "fexecve",    "posix_spawn*", "system",
      "popen", "wait",  "waitpid", "waitid", "kill",       "tgkill",       "pthread_kill",
      "raise", "exit",  "_exit",   "_Exit",  "quick_exit", "ptrace",       "syscall"}},
    {kLoading, {"dlopen", "dlmopen", "dlsym", "dlvsym"}},
    {kPostgres, {"PQ*", "lo_*", "pg_*"}},
    {kRedis, {"redis*", "__redis*"}},
    {kEnvironment,
     {"getenv", "secure_getenv", "setenv", "unsetenv", "putenv", "clearenv", "environ",
      "__environ"}},
    {kProcessWide,
     {"signal",
      "sigaction",
      "sigprocmask",
      "pthread_sigmask",
      "sigaltstack",
      "alarm",
      "setitimer",
      "timer_create",
      "setlocale",
      "_ZNSt6locale6global*",
      "chdir",
      "fchdir",
      "umask",
      "setrlimit*",
      "setuid",
      "setgid",
      "seteuid",
      "setegid",
      "prctl",
      "mlockall",
      "mallopt",
      "srand",
      "_ZSt13set_terminate*"}},
};

bool matches(std::string_view name, std::string_view symbol) noexcept {
  if (name.ends_with('*')) return symbol.starts_with(name.substr(0, name.size() - 1));
  return symbol == name;
}

}  // namespace

const char* why_refused(std::string_view symbol) noexcept {
  for (const Rule& rule : kRules) {
    if (std::any_of(rule.names.begin(), rule.names.end(),
                    [&](std::string_view name) { return matches(name, symbol); })) {
      return rule.why;
    }
  }
  return nullptr;
}

bool is_instrumentation(std::string_view symbol) noexcept {
  for (const std::string_view prefix :
       {"__asan", "__ubsan", "__tsan", "__lsan", "__sanitizer", "__interceptor", "_ITM_",
        "__gmon_start__", "__gcov", "gcov", "llvm_gcov", "__llvm", "mangled_path"}) {
    if (symbol.starts_with(prefix)) return true;
  }
  return false;
}

}  // namespace cleave::loader
