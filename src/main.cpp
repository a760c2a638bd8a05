// cleave: one host for service modules. `cleave --help` lists the commands.
#include "cli/main.hpp"

int main(int argc, char** argv) {
  return cleave::cli::main(argc, argv);
}
