#include "acquisition/source/ports.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

#include "mth5/descriptor.hpp"
#include "support/forked.hpp"
#include "support/needs.hpp"
#include "support/support.hpp"

/// The serial ports of a computer that is made of folders.
namespace {

namespace fs = std::filesystem;
using daq::source::SystemFolders;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class Ports : public testing::Test {
 protected:
  Ports() {
    fs::create_directories(system_.dev / "serial/by-id");
    fs::create_directories(system_.dev / "serial/by-path");
    fs::create_directories(system_.sys / "class/tty");
    fs::create_directories(system_.proc);
    support::write_text(system_.dev / "ttyUSB0", "");
  }
  /// An adapter as usbserial shows it.
  void plug_usb() {
    const auto usb = system_.sys / "devices/usb1/1-1";
    const auto port = usb / "1-1:1.0/ttyUSB0";
    fs::create_directories(port);
    fs::create_directories(system_.sys / "bus/usb-serial/drivers/ftdi_sio");
    fs::create_symlink(system_.sys / "bus/usb-serial/drivers/ftdi_sio", port / "driver");
    support::write_text(usb / "idVendor", "0403\n");
    support::write_text(usb / "idProduct", "6001\n");
    support::write_text(usb / "product", "FT232R USB UART\n");
    fs::create_directories(system_.sys / "class/tty/ttyUSB0");
    fs::create_symlink(port, system_.sys / "class/tty/ttyUSB0/device");
    fs::create_symlink("../../ttyUSB0", system_.dev / "serial/by-id/usb-FTDI_A1-if00-port0");
    fs::create_symlink("../../ttyUSB0", system_.dev / "serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0");
  }
  void run(int pid, const std::string& program, const fs::path& open_file = {}) {
    const auto folder = system_.proc / std::to_string(pid);
    fs::create_directories(folder / "fd");
    support::write_text(folder / "comm", program + "\n");
    if (!open_file.empty()) fs::create_symlink(open_file, folder / "fd/4");
  }

  support::TempDir dir_;
  SystemFolders system_{.dev = fs::canonical(dir_.path()) / "dev",
                        .sys = fs::canonical(dir_.path()) / "sys",
                        .proc = fs::canonical(dir_.path()) / "proc"};
};

TEST_F(Ports, AreListedWithTheNamesThatStayAndWhoHasThem) {
  plug_usb();
  fs::create_directories(system_.sys / "class/tty/tty1");  // a console: no device
  fs::create_directories(system_.sys / "devices/platform/serial8250");
  fs::create_directories(system_.sys / "class/tty/ttyS3");  // no chip behind it
  fs::create_symlink(system_.sys / "devices/platform/serial8250", system_.sys / "class/tty/ttyS3/device");
  support::write_text(system_.sys / "class/tty/ttyS3/type", "0\n");
  run(812, "gpsd", system_.dev / "ttyUSB0");
  run(813, "bash", "/dev/null");
  const auto ports = daq::source::list_ports(system_);
  ASSERT_THAT(ports, SizeIs(1));
  EXPECT_EQ(ports[0].device, system_.dev / "ttyUSB0");
  EXPECT_EQ(ports[0].by_id, system_.dev / "serial/by-id/usb-FTDI_A1-if00-port0");
  EXPECT_EQ(ports[0].by_path, system_.dev / "serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0");
  EXPECT_EQ(ports[0].driver, "ftdi_sio");
  EXPECT_EQ(ports[0].ids, "0403:6001");
  EXPECT_EQ(ports[0].product, "FT232R USB UART");
  ASSERT_THAT(ports[0].holders, SizeIs(1));
  EXPECT_EQ(ports[0].holders[0].pid, 812);
  EXPECT_EQ(ports[0].holders[0].program, "gpsd");
}

TEST_F(Ports, OfTheBaseBoardHaveTheDriverBehindTheSerialCore) {
  const auto board = system_.sys / "devices/pnp0/00:00";
  const auto link = [](const fs::path& to, const fs::path& name) {
    fs::create_directories(to);
    fs::create_symlink(to, name);
  };
  fs::create_directories(board / "ctrl/port");
  for (const auto& [device, bus, driver] : {std::tuple{board, "pnp", "serial"},
                                            {board / "ctrl", "serial-base", "ctrl"},
                                            {board / "ctrl/port", "serial-base", "port"}}) {
    link(system_.sys / "bus" / bus, device / "subsystem");
    link(system_.sys / "bus" / bus / "drivers" / driver, device / "driver");
  }
  fs::create_directories(system_.sys / "class/tty/ttyS0");
  fs::create_symlink(board / "ctrl/port", system_.sys / "class/tty/ttyS0/device");
  support::write_text(system_.sys / "class/tty/ttyS0/type", "4\n");
  const auto ports = daq::source::list_ports(system_);
  ASSERT_THAT(ports, SizeIs(1));
  EXPECT_EQ(ports[0].driver, "serial");
  EXPECT_EQ(ports[0].ids, "");
}

TEST_F(Ports, NameTheThiefThatHasThem) {
  plug_usb();
  run(812, "ModemManager", system_.dev / "ttyUSB0");
  const auto by_id = system_.dev / "serial/by-id/usb-FTDI_A1-if00-port0";
  EXPECT_THAT(daq::source::who_has(by_id, system_), HasSubstr(" (process 812, ModemManager): it probes new ports for a modem"));
}

TEST_F(Ports, NameThievesThatRunWhereNobodyCanBeSeen) {
  run(812, "gpsd");  // of another user: its files are not shown
  EXPECT_THAT(daq::source::who_has(system_.dev / "ttyUSB0", system_),
              HasSubstr("; it may be gpsd, which runs here (process 812): gpsd takes ports"));
  EXPECT_THAT(daq::source::who_has(system_.dev / "ttyUSB9", system_), IsEmpty()) << "who is not there is taken by brltty only";
  run(900, "brltty");
  EXPECT_THAT(daq::source::who_has(system_.dev / "ttyUSB9", system_), HasSubstr("; it may be brltty"));
}

TEST_F(Ports, OfAPseudoTerminalAreNotHeldByItsOtherEnd) {
  const auto terminal = system_.dev / "pts/7";
  fs::create_directories(terminal.parent_path());
  support::write_text(terminal, "");
  const auto master = [&](int pid, const std::string& index) {
    run(pid, "mth5-sim", terminal);
    fs::create_symlink("/dev/ptmx", system_.proc / std::to_string(pid) / "fd/3");
    fs::create_directories(system_.proc / std::to_string(pid) / "fdinfo");
    support::write_text(system_.proc / std::to_string(pid) / "fdinfo/3", "pos:\t0\ntty-index:\t" + index + "\n");
  };
  master(812, "7");
  EXPECT_THAT(daq::source::holders_of(terminal, system_), IsEmpty());
  master(813, "17");
  EXPECT_THAT(daq::source::holders_of(terminal, system_), SizeIs(1)) << "of another one";
}

/// A container may have the port under a name of its own.
TEST_F(Ports, AreHeldByWhoHasThemByAnotherName) {
  plug_usb();
  fs::create_hard_link(system_.dev / "ttyUSB0", system_.dev / "ttyGPS");
  run(812, "gpsd", system_.dev / "ttyGPS");
  EXPECT_THAT(daq::source::who_has(system_.dev / "ttyUSB0", system_), HasSubstr(" (process 812, gpsd): "));
}

/// In another container pseudo terminals are counted from 0, too.
TEST(PseudoTerminal, OfAnotherInstanceOfDevptsIsNoneOfOurs) {
  MTH5_NEEDS_MOUNTS(true);
  const mth5::Descriptor ours{posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
  ASSERT_TRUE(ours);
  ASSERT_EQ(unlockpt(ours.get()), 0);
  unsigned number = 0;
  ASSERT_EQ(ioctl(ours.get(), TIOCGPTN, &number), 0);
  const auto name = "/dev/pts/" + std::to_string(number);
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const mth5::Descriptor said{ready[0]}, say{ready[1]};
  const support::Child other{[&] {
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("devpts", "/dev/pts", "devpts", 0, "newinstance,ptmxmode=0666") != 0)
      return 1;
    std::vector<mth5::Descriptor> masters;
    for (unsigned made = 0; masters.empty() || made < number;) {
      masters.emplace_back(open("/dev/pts/ptmx", O_RDWR | O_NOCTTY));
      const int unlocked = 0;
      if (!masters.back() || ioctl(masters.back().get(), TIOCGPTN, &made) != 0 ||
          ioctl(masters.back().get(), TIOCSPTLCK, &unlocked) != 0)
        return 2;
    }
    const mth5::Descriptor slave{open(name.c_str(), O_RDWR | O_NOCTTY)};
    masters.clear();  // who has the other end is left out anyway
    if (!slave || write(say.get(), "", 1) != 1) return 3;
    pause();
    return 0;
  }};
  char byte = 0;
  ASSERT_EQ(read(said.get(), &byte, 1), 1);
  EXPECT_THAT(daq::source::holders_of(name), IsEmpty());
}

TEST_F(Ports, ThatNobodyHasSaySo) {
  run(813, "bash", "/dev/null");
  EXPECT_THAT(daq::source::who_has(system_.dev / "ttyUSB0", system_), IsEmpty());
}

}  // namespace
