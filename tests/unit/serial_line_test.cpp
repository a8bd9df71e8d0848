#include "acquisition/source/serial_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <map>

/// What a driver of serial ports is asked for, and what it answers; the driver is played.
namespace {

using daq::ledger::InputFault;
using daq::source::SerialLine;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

struct Driver {
  serial_icounter_struct counts{};
  serial_struct settings{};
  serial_rs485 rs485{};
  bool able = true;

  SerialLine::Control control() {
    return [this](int fd, unsigned long request, void* argument) {
      EXPECT_EQ(fd, 7);
      if (!able) {
        errno = ENOTTY;
        return -1;
      }
      if (request == TIOCGICOUNT) *static_cast<serial_icounter_struct*>(argument) = counts;
      if (request == TIOCGSERIAL) *static_cast<serial_struct*>(argument) = settings;
      if (request == TIOCSSERIAL) settings = *static_cast<serial_struct*>(argument);
      if (request == TIOCSRS485) rs485 = *static_cast<serial_rs485*>(argument);
      return 0;
    };
  }
};

TEST(SerialPort, IsLeftAsItIsUnlessMoreIsWanted) {
  Driver driver;
  const daq::config::Serial serial;
  SerialLine line{serial, driver.control()};
  EXPECT_THAT(line.set(7), IsEmpty());
  EXPECT_EQ(driver.settings.flags, 0);
  EXPECT_EQ(driver.rs485.flags, 0u);
}

TEST(SerialPort, HasLowLatencyAndKeepsItsOtherFlags) {
  Driver driver;
  driver.settings.flags = ASYNC_SPD_HI;
  daq::config::Serial serial;
  serial.low_latency = true;
  SerialLine line{serial, driver.control()};
  EXPECT_THAT(line.set(7), IsEmpty());
  EXPECT_EQ(driver.settings.flags, ASYNC_SPD_HI | static_cast<int>(ASYNC_LOW_LATENCY));
}

TEST(SerialPort, SwitchesItsTransmitterByRts) {
  for (const auto& [word, flag] :
       {std::pair{"rts-on-send", SER_RS485_RTS_ON_SEND}, {"rts-after-send", SER_RS485_RTS_AFTER_SEND}}) {
    Driver driver;
    daq::config::Serial serial;
    serial.rs485 = word;
    SerialLine line{serial, driver.control()};
    EXPECT_THAT(line.set(7), IsEmpty());
    EXPECT_EQ(driver.rs485.flags, static_cast<unsigned>(SER_RS485_ENABLED) | static_cast<unsigned>(flag)) << word;
  }
}

TEST(SerialPort, SaysWhatItsDriverCannotDo) {
  Driver driver;
  driver.able = false;
  daq::config::Serial serial;
  serial.low_latency = true;
  serial.rs485 = "rts-on-send";
  SerialLine line{serial, driver.control()};
  EXPECT_THAT(line.set(7),
              ElementsAre("low_latency: the driver of the port cannot do it: Inappropriate ioctl for device",
                          testing::HasSubstr("rs485: the driver of the port cannot do it: Inappropriate ioctl for device")));
  EXPECT_THAT(line.counted(7), IsEmpty());
}

TEST(SerialPort, CountsWhatItsDriverHasCountedSinceItWasOpened) {
  Driver driver;
  driver.counts.frame = 5;
  driver.counts.overrun = 1;
  const daq::config::Serial serial;
  SerialLine line{serial, driver.control()};
  ASSERT_THAT(line.set(7), IsEmpty());
  EXPECT_THAT(line.counted(7), IsEmpty());
  driver.counts.frame = 8;
  driver.counts.overrun = 2;
  driver.counts.buf_overrun = 10;
  driver.counts.parity = 4;
  driver.counts.brk = 1;
  EXPECT_THAT(line.counted(7), ElementsAre(Pair(InputFault::Overrun, 11), Pair(InputFault::Framing, 3),
                                           Pair(InputFault::Parity, 4), Pair(InputFault::Break, 1)));
  EXPECT_THAT(line.counted(7), IsEmpty());
  driver.counts.frame = 0;  // unplugged and plugged in again: the driver begins anew, and so does the count
  ASSERT_THAT(line.set(7), IsEmpty());
  driver.counts.frame = 2;
  EXPECT_THAT(line.counted(7), ElementsAre(Pair(InputFault::Framing, 2)));
}

}  // namespace
