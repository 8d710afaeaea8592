# terminal.pl HOW STATE COMMAND... - runs COMMAND on a terminal of its own; once a migration has begun below the
# folder STATE, presses Ctrl-C (HOW = ctrl-c) or closes the terminal (HOW = close). Ends with the command's status.
use strict;
use warnings;
use Fcntl;
use POSIX qw(setsid);

my ($how, $state, @command) = @ARGV;
sysopen(my $master, '/dev/ptmx', O_RDWR | O_NOCTTY) or die "cannot open /dev/ptmx: $!";
my $number = pack('i', 0);
ioctl($master, 0x40045431, $number) or die "cannot unlock: $!";    # TIOCSPTLCK
ioctl($master, 0x80045430, $number) or die "cannot name: $!";      # TIOCGPTN
my $name = '/dev/pts/' . unpack('i', $number);
my $pid = fork // die "cannot fork: $!";
if (!$pid) {
	setsid();
	close $master;
	$SIG{INT} = $SIG{HUP} = 'DEFAULT';
	open(STDIN, '+<', $name) or die "cannot open $name: $!";       # becomes the controlling terminal
	open(STDOUT, '>&STDIN');
	open(STDERR, '>&STDIN');
	exec @command or die "cannot run: $!";
}
my $reader = fork // die "cannot fork: $!";
if (!$reader) {                                                    # the screen: drains what is written
	while (sysread($master, my $text, 4096)) { syswrite(STDOUT, $text) }
	exit 0;
}
for (1 .. 400) {
	my $run = `cat '$state/current' 2>/dev/null`;
	chomp $run;
	last if $run && `cat '$state/runs/$run/journal' 2>/dev/null` =~ /begin step=migrate/i;
	select(undef, undef, undef, 0.05);
}
select(undef, undef, undef, 0.3);
if ($how eq 'ctrl-c') { syswrite($master, "\003") }
else { kill 'KILL', $reader; close $master }                       # the last descriptor: the kernel hangs up
waitpid($pid, 0);
my $status = $?;
kill 'KILL', $reader;
waitpid($reader, 0);
exit($status & 127 ? 128 + ($status & 127) : $status >> 8);
